/** The board's own listeners: its rows are many, and need none of their own. */

import { useEffect, type RefObject } from "react";

import { itemOf } from "../store/overlay";
import { useActions } from "./agent";
import type { BoardParts } from "./board_context";
import { pressed } from "./board_dragging";
import { makeCurrent, placeOf, rowAround, type Place } from "./board_focus";
import { boardKey, type KeyParts } from "./board_keys";

/**
 * Keys, dragging, and pointing, for as long as the board is shown.
 *
 * @param place is told where the focus is
 */
export function useBoardEvents(
  board: RefObject<HTMLElement | null>,
  place: RefObject<Place | null>,
  parts: BoardParts,
  keys: Omit<KeyParts, keyof BoardParts>,
): void {
  const session = useActions();
  const { acts } = parts;
  const { view, undoable, letters } = keys;
  useEffect(() => {
    const node = board.current;
    if (node === null) return undefined;
    let stopDragging = (): void => {};
    const listening = new AbortController();
    const { signal } = listening;
    const point = ({ target }: Event): void => session.point(rowAround(target)?.id ?? null);
    const pointNowhere = (): void => session.point(null);
    const press = (event: PointerEvent): void => {
      stopDragging();
      stopDragging = pressed(node, event, {
        title: (id) => itemOf(acts.shown.all, id)?.title ?? null,
        dropped: (id, target) => acts.move(id, target),
      });
    };
    node.addEventListener("pointerdown", press, { signal });
    node.addEventListener("pointerover", (event) => (event.pointerType === "touch" ? undefined : point(event)), { signal });
    node.addEventListener("pointerleave", pointNowhere, { signal });
    node.addEventListener("focusin", point, { signal });
    document.addEventListener("focusin", ({ target }) => (place.current = node.contains(target instanceof Node ? target : null) ? placeOf(target) : null), { signal });
    // A press beside everything takes the focus away as well, and tells of no other element that has it.
    document.addEventListener("pointerdown", ({ target }) => {
      if (!(target instanceof Node) || place.current?.element.contains(target) !== true) place.current = null;
    }, { signal });
    node.addEventListener("focusout", pointNowhere, { signal });
    node.addEventListener("focusin", ({ target }) => (target instanceof Element ? makeCurrent(node, target) : undefined), { signal });
    return () => {
      listening.abort();
      stopDragging();
    };
  }, [board, place, acts, session]);
  useEffect(() => {
    const node = board.current;
    const press = (event: KeyboardEvent): void => boardKey(event, { ...parts, view, undoable, letters });
    node?.addEventListener("keydown", press);
    return () => node?.removeEventListener("keydown", press);
  }, [board, parts, view, undoable, letters]);
}
