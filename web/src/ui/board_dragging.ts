/**
 * Dragging a to-do with a mouse, a pen or a finger. Where it would go is marked in the document itself: drawing the board
 * again at each move of a pointer would be slow on a long one. It knows no React.
 */

import type { Target } from "../store/moving";

export interface DragEvents {
  /** What is shown beside the pointer. */
  title(itemId: string): string | null;
  dropped(itemId: string, target: Target): void;
}

const SLOP_PX = 6; // less than this is a click
const EDGE_PX = 56; // of the board, where it scrolls by itself
const SCROLL_PX = 14; // a frame

interface Drag {
  readonly itemId: string;
  readonly ghost: HTMLElement;
  target: Target | null;
  marked: HTMLElement | null;
  pointer: { x: number; y: number };
  frame: number;
}

/** A press that may become a drag. @returns stops it, if it has begun or not */
export function pressed(board: HTMLElement, event: PointerEvent, events: DragEvents): () => void {
  const itemId = draggable(event);
  if (itemId === null) return () => {};
  const from = { x: event.clientX, y: event.clientY };
  let drag: Drag | null = null;
  const listening = new AbortController();
  const { signal } = listening;

  const stop = (): void => {
    listening.abort();
    if (drag === null) return;
    cancelAnimationFrame(drag.frame);
    mark(drag, null, null);
    drag.ghost.remove();
    delete board.dataset["dragging"];
    row(board, itemId)?.removeAttribute("data-dragged");
    drag = null;
  };
  const moved = (move: PointerEvent): void => {
    if (move.pointerId !== event.pointerId) return;
    if (drag === null) {
      if (Math.hypot(move.clientX - from.x, move.clientY - from.y) < SLOP_PX) return;
      const title = events.title(itemId);
      if (title === null) return stop();
      drag = { itemId, ghost: ghostOf(title), target: null, marked: null, pointer: from, frame: 0 };
      board.dataset["dragging"] = "true";
      row(board, itemId)?.setAttribute("data-dragged", "true");
      scroll();
    }
    drag.pointer = { x: move.clientX, y: move.clientY };
    drag.ghost.style.transform = `translate(${move.clientX + 12}px, ${move.clientY + 8}px)`;
    aim(board, drag);
  };
  const released = (up: PointerEvent): void => {
    if (up.pointerId !== event.pointerId) return;
    const target = drag?.target ?? null;
    if (drag !== null) suppressClick();
    stop();
    if (target !== null) events.dropped(itemId, target);
  };
  const scroll = (): void => {
    if (drag === null) return;
    const { top, bottom } = board.getBoundingClientRect();
    const { y } = drag.pointer;
    const by = y < top + EDGE_PX ? -SCROLL_PX : y > bottom - EDGE_PX ? SCROLL_PX : 0;
    if (by !== 0) {
      board.scrollTop += by;
      aim(board, drag);
    }
    drag.frame = requestAnimationFrame(scroll);
  };

  document.addEventListener("pointermove", moved, { signal });
  document.addEventListener("pointerup", released, { signal });
  document.addEventListener("pointercancel", stop, { signal });
  window.addEventListener("blur", stop, { signal });
  document.addEventListener("selectstart", (select) => select.preventDefault(), { signal });
  document.addEventListener(
    "keydown",
    (key) => {
      if (key.key !== "Escape" || drag === null) return;
      key.preventDefault();
      key.stopPropagation();
      stop();
    },
    { signal, capture: true },
  );
  return stop;
}

// With a finger only at the grip: elsewhere it scrolls.
function draggable(event: PointerEvent): string | null {
  if (!(event.target instanceof Element) || event.button !== 0 || !event.isPrimary) return null;
  const isGrip = event.target.closest("[data-grip]") !== null;
  const isForSomethingElse = event.target.closest("input, select, textarea, form, .item-tools") !== null;
  if (!isGrip && (event.pointerType !== "mouse" || isForSomethingElse)) return null;
  return event.target.closest<HTMLElement>('[data-row][data-kind="item"]')?.dataset["row"] ?? null;
}

function row(board: HTMLElement, itemId: string): HTMLElement | null {
  return board.querySelector<HTMLElement>(`[data-kind="item"][data-row="${CSS.escape(itemId)}"]`);
}

function ghostOf(title: string): HTMLElement {
  const ghost = document.createElement("div");
  ghost.className = "drag-ghost";
  ghost.dir = "auto";
  ghost.textContent = title;
  ghost.setAttribute("aria-hidden", "true");
  document.body.append(ghost);
  return ghost;
}

function aim(board: HTMLElement, drag: Drag): void {
  const under = document.elementFromPoint(drag.pointer.x, drag.pointer.y);
  const list = under?.closest<HTMLElement>("[data-list]") ?? null;
  const listId = list?.dataset["list"];
  if (under === null || list === null || listId === undefined || !board.contains(list)) {
    mark(drag, null, null);
    return;
  }
  const item = under.closest<HTMLElement>('[data-row][data-kind="item"]');
  const itemId = item?.dataset["row"];
  if (item !== null && itemId !== undefined) {
    const { top, height } = item.getBoundingClientRect();
    const where = drag.pointer.y < top + height / 2 ? "before" : "after";
    mark(drag, item, { listId, where, itemId });
    return;
  }
  const isHead = under.closest('[data-kind="list"]') !== null && list.querySelector('[aria-expanded="true"][data-stop]') !== null;
  mark(drag, list, { listId, where: isHead ? "first" : "end" });
}

function mark(drag: Drag, element: HTMLElement | null, target: Target | null): void {
  if (drag.marked !== element) drag.marked?.removeAttribute("data-drop");
  drag.marked = element;
  drag.target = target;
  if (element !== null && target !== null) element.dataset["drop"] = target.where;
}

// The press has moved something, so its end is no click.
function suppressClick(): void {
  document.addEventListener("click", eat, { capture: true, once: true });
  setTimeout(() => document.removeEventListener("click", eat, { capture: true }));
}

function eat(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}
