/** The page's icons: lines on a field of 24, drawn in the colour of the text around them. They say nothing to screen readers. */

import type { ReactNode } from "react";

const LINES = {
  alert: "M12 8v5M12 16.5v.01M10.3 4.2 2.9 17a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.2a2 2 0 0 0-3.4 0Z",
  arrow_down: "M12 5v14M6 13l6 6 6-6",
  arrow_up: "M12 19V5M6 11l6-6 6 6",
  auto: "M12 3a9 9 0 1 0 0 18ZM12 3a9 9 0 0 1 0 18",
  ban: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM5.8 5.8l12.4 12.4",
  bolt: "M13 3 5 13.5h6L10.5 21 19 10.5h-6L13 3Z",
  calendar: "M5 6h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1ZM4 10.5h16M8 3.5V8M16 3.5V8",
  check: "M5 12.5l4.5 4.5L19 7",
  check_circle: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM8 12.2l2.8 2.8L16 9.6",
  chevron_down: "M6 9.5l6 6 6-6",
  chevron_right: "M9.5 6l6 6-6 6",
  circle: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Z",
  clock: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 7.5V12l3 2",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 8h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1ZM5 16a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1",
  cut: "M3 12h6M15 12h6M10.5 8.5l-1-3M13.5 8.5l1-3M10.5 15.5l-1 3M13.5 15.5l1 3",
  edit: "M14.5 6.5l3 3M4.5 19.5l1-4L16 5a1.6 1.6 0 0 1 2.3 0l.7.7a1.6 1.6 0 0 1 0 2.3L8.5 18.5l-4 1Z",
  equal: "M5 9h14M5 15h14",
  filter: "M4 6h16M7 12h10M10 18h4",
  flag: "M6 21V4M6 4.5h11l-2 4 2 4H6",
  grip: "M9 6v.01M15 6v.01M9 12v.01M15 12v.01M9 18v.01M15 18v.01",
  help: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM9.3 9.3a2.8 2.8 0 1 1 4.2 2.5c-1 .6-1.5 1.1-1.5 2.2M12 16.8v.01",
  info: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 11.5V16M12 8v.01",
  link: "M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L12 6.3M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.1-1.1",
  list: "M9 6.5h11M9 12h11M9 17.5h11M4.5 6.5v.01M4.5 12v.01M4.5 17.5v.01",
  model: "M8 5h8a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3H8a3 3 0 0 1-3-3V8a3 3 0 0 1 3-3ZM10 10h4v4h-4ZM9 2v3M15 2v3M9 19v3M15 19v3M2 9h3M2 15h3M19 9h3M19 15h3",
  moon: "M20 14.2A8.2 8.2 0 1 1 9.8 4a6.6 6.6 0 0 0 10.2 10.2Z",
  more: "M5.5 12v.01M12 12v.01M18.5 12v.01",
  not_equal: "M5 9h14M5 15h14M16 4.5l-8 15",
  people: "M9 5a3.2 3.2 0 1 1 0 6.4A3.2 3.2 0 0 1 9 5ZM3 19c0-3.2 2.6-5 6-5s6 1.8 6 5M15.5 5.3a3.2 3.2 0 0 1 0 5.8M17.5 14.4c2.1.6 3.5 2.2 3.5 4.6",
  plus: "M12 5v14M5 12h14",
  question: "M8.5 9a3.5 3.5 0 1 1 5.3 3c-1.2.8-1.8 1.4-1.8 2.8M12 18.5v.01",
  quote: "M5 6h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-7l-4 3.5V17H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1ZM8 10h8M8 13h5",
  redo: "M15.5 5 20 9.5 15.5 14M19.5 9.5H10a5 5 0 0 0 0 10h3.5",
  relay: "M5 14.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM19 14.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM12 4a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM10.4 8.6 6.4 14.8M13.6 8.6l4 6.2",
  retry: "M19.5 5v5h-5M19 10a7.5 7.5 0 1 0 .4 4",
  search: "M10.8 4a6.8 6.8 0 1 1 0 13.6 6.8 6.8 0 0 1 0-13.6ZM16 16l4.5 4.5",
  send: "M4.5 12 3.5 4.5 21 12 3.5 19.5l1-7.5ZM4.5 12H12",
  stop: "M8 6.5h8A1.5 1.5 0 0 1 17.5 8v8a1.5 1.5 0 0 1-1.5 1.5H8A1.5 1.5 0 0 1 6.5 16V8A1.5 1.5 0 0 1 8 6.5Z",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  trash: "M4.5 6.5h15M9.5 6.5V4.8A1 1 0 0 1 10.5 4h3a1 1 0 0 1 1 .8v1.7M6.5 6.5l.8 12.6a1 1 0 0 0 1 .9h7.4a1 1 0 0 0 1-.9l.8-12.6M10 10.5v5.5M14 10.5v5.5",
  undo: "M8.5 5 4 9.5 8.5 14M4.5 9.5H14a5 5 0 0 1 0 10h-3.5",
  verified: "M12 3l7.5 2.8v5.4c0 4.6-3 8-7.5 9.8-4.5-1.8-7.5-5.2-7.5-9.8V5.8L12 3ZM8.5 12l2.5 2.5 4.5-5",
} as const;

export type IconName = keyof typeof LINES;

// A presentation attribute gives way to a style sheet, so it is told how to draw by one of its own.
const PENS: Readonly<Partial<Record<IconName, string>>> = { grip: "thick", more: "thick", stop: "solid" };

export function Icon({ name }: { readonly name: IconName }): ReactNode {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" data-pen={PENS[name]}>
      <path d={LINES[name]} />
    </svg>
  );
}

/** The page's own mark, as in the tab. */
export function Mark(): ReactNode {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="m8.5 16.5 5 5 10-11" />
    </svg>
  );
}
