/** Keeps a log at its end while its reader is there, and where they are while they are not. */

import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

const NEAR_END_PX = 80;
const NEAR_START_PX = 160;

export interface Follow {
  readonly log: RefObject<HTMLDivElement | null>;
  /** Whether the end is out of sight. */
  readonly away: boolean;
  readonly toEnd: () => void;
  /** What comes must not move what is read now, even where that is the end. */
  readonly stay: () => void;
  readonly onScroll: () => void;
}

/** How far below what is seen the log goes on, in CSS pixels. */
export function belowPx({ scrollHeight, scrollTop, clientHeight }: Pick<Element, "scrollHeight" | "scrollTop" | "clientHeight">): number {
  return scrollHeight - scrollTop - clientHeight;
}

/**
 * Where the log stands is looked at after each render of the component that uses this. Its entries have `data-turn-id`.
 *
 * @param shown changes with what must be shown in any case: the reader's own request
 * @param nearStart is called when the reader scrolls up to the beginning
 */
export function useFollow(shown: unknown, nearStart: () => void): Follow {
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const lastTop = useRef(0);
  const lastShown = useRef(shown);
  const first = useRef<{ readonly element: HTMLElement; readonly top: number } | null>(null);
  const [away, setAway] = useState(false);

  const look = useCallback((): void => {
    const node = log.current;
    if (node === null) return;
    lastTop.current = node.scrollTop;
    const element = node.querySelector<HTMLElement>("[data-turn-id]");
    first.current = element && { element, top: element.offsetTop - node.scrollTop };
    setAway(!follows.current && belowPx(node) >= NEAR_END_PX);
  }, []);

  useLayoutEffect(() => {
    const node = log.current;
    if (node === null) return;
    if (lastShown.current !== shown) follows.current = true;
    lastShown.current = shown;
    const before = first.current;
    if (follows.current) node.scrollTop = node.scrollHeight;
    // What was put before the first turn must not push away what is read. Browsers see to that, but not at the very top.
    else if (before !== null && node.contains(before.element)) node.scrollTop += before.element.offsetTop - node.scrollTop - before.top;
    look();
  });

  // Also when the composer grows, or a phone's keyboard comes up.
  useEffect(() => {
    const node = log.current;
    if (node === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (follows.current) node.scrollTop = node.scrollHeight;
      look();
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [look]);

  const onScroll = useCallback((): void => {
    const node = log.current;
    if (node === null) return;
    const isUp = node.scrollTop < lastTop.current;
    if (belowPx(node) < NEAR_END_PX) follows.current = true;
    else if (isUp) follows.current = false;
    look();
    if (isUp && node.scrollTop < NEAR_START_PX) nearStart();
  }, [look, nearStart]);

  const toEnd = useCallback((): void => {
    const node = log.current;
    if (node === null) return;
    follows.current = true;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    node.scrollTo({ top: node.scrollHeight, behavior: still ? "auto" : "smooth" });
    setAway(false);
  }, []);

  // The event of a scroll may still be on its way: where the log stands is looked at now.
  const stay = useCallback((): void => {
    follows.current = false;
    look();
  }, [look]);

  return { log, away, toEnd, stay, onScroll };
}
