/**
 * One row of the board can be reached with Tab, and what can be done with it behind it; arrows go from row to row. Of
 * thousands of rows, each a stop of its own, nobody would get to the end.
 */

import { elementIdOf } from "./Revealer";

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
  if (row === null || stop === null) return;
  for (const old of board.querySelectorAll<HTMLElement>(`:is(${STOP}, ${CONTROL})[tabindex="0"]`)) old.tabIndex = -1;
  for (const control of row.querySelectorAll<HTMLElement>(`${STOP}, ${CONTROL}`)) control.tabIndex = 0;
}

/**
 * There is always a row that Tab reaches, if there is any: the first, where the one before has gone. Its buttons are
 * reached as well, those that were made only now too, as after an edit.
 */
export function keepCurrent(board: HTMLElement): void {
  const current = board.querySelector(`${STOP}[tabindex="0"]`) ?? board.querySelector(STOP);
  if (current !== null) makeCurrent(board, current);
}

/** Where the focus was last, if that was at a row or in an editor: the element, and its row. */
export interface Place {
  readonly element: HTMLElement;
  readonly row: string | null;
}

export function placeOf(target: EventTarget | null): Place | null {
  if (!(target instanceof HTMLElement) || target.closest(`${ROW}, .editor`) === null) return null;
  return { element: target, row: rowAround(target)?.id ?? null };
}

/**
 * Where the focused element has left the document, focus what has taken its place: the same field of an editor that
 * was made anew, or its row, or the first of other rows that is there, or the board. Without this, the keyboard starts over.
 *
 * @param others the rows to go on to
 */
export function passOn(board: HTMLElement, { element, row }: Place, others: (row: string) => readonly string[]): void {
  const { activeElement } = document;
  if (element.isConnected || (activeElement !== null && activeElement !== document.body && activeElement.isConnected)) return;
  const rows = row === null ? [] : [row, ...others(row)].map((id) => elementIdOf({ kind: "row", id }));
  const next = [element.id, ...rows].map((id) => (id === "" ? null : document.getElementById(id))).find((found) => found !== null);
  (next ?? board).focus();
  const isText = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
  if (isText && next?.id === element.id && (next instanceof HTMLInputElement || next instanceof HTMLTextAreaElement)) {
    if (element.selectionStart !== null) next.setSelectionRange(element.selectionStart, element.selectionEnd);
  }
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
