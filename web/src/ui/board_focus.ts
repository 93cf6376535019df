/**
 * One row of the board can be reached with Tab, and what can be done with it behind it; arrows go from row to row. Of
 * thousands of rows, each a stop of its own, nobody would get to the end.
 */

const STOP = "[data-stop]";
const CONTROL = "[data-control]";
const ROW = "[data-row]";

/** The row that an element is in; null outside of any. */
export function rowAround(element: EventTarget | null): { readonly id: string; readonly kind: "list" | "item" } | null {
  const row = element instanceof Element ? element.closest<HTMLElement>(ROW) : null;
  const id = row?.dataset["row"];
  if (id === undefined) return null;
  return { id, kind: row?.dataset["kind"] === "list" ? "list" : "item" };
}

/** Make the row around an element the one that Tab reaches. */
export function makeCurrent(board: HTMLElement, element: Element): void {
  const row = element.closest<HTMLElement>(ROW);
  const stop = row?.querySelector<HTMLElement>(STOP) ?? null;
  if (row === null || stop === null || stop.tabIndex === 0) return;
  for (const old of board.querySelectorAll<HTMLElement>(`:is(${STOP}, ${CONTROL})[tabindex="0"]`)) old.tabIndex = -1;
  for (const control of row.querySelectorAll<HTMLElement>(`${STOP}, ${CONTROL}`)) control.tabIndex = 0;
}

/** There is always a row that Tab reaches, if there is any: the first, where the one before has gone. */
export function keepCurrent(board: HTMLElement): void {
  if (board.querySelector(`${STOP}[tabindex="0"]`) !== null) return;
  const first = board.querySelector(STOP);
  if (first !== null) makeCurrent(board, first);
}

/** The row that an arrow, Home or End leads to. */
export function neighbour(board: HTMLElement, from: Element, key: string): HTMLElement | null {
  const stops = [...board.querySelectorAll<HTMLElement>(STOP)];
  const at = stops.findIndex((stop) => stop === from || stop.closest(ROW) === from.closest(ROW));
  switch (key) {
    case "ArrowDown":
      return stops[at + 1] ?? null;
    case "ArrowUp":
      return stops[at - 1] ?? null;
    case "Home":
      return stops[0] ?? null;
    case "End":
      return stops.at(-1) ?? null;
    default:
      return null;
  }
}
