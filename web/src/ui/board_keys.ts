/** The keys of the board, for whatever row has the focus. `?` lists them from `texts.help.places`. */

import type { TodoItem, TodoList } from "../connection/protocol";
import type { BoardView } from "../store/board_view";
import { itemOf } from "../store/overlay";
import type { BoardParts } from "./board_context";
import { neighbour, rowAround } from "./board_focus";

export interface KeyParts extends BoardParts {
  readonly view: BoardView;
  /** The change of the person's own that was confirmed last. */
  readonly undoable: string | null;
  /** Whether keys that are letters do something. */
  readonly letters: boolean;
}

type Row = { readonly item: TodoItem } | { readonly list: TodoList };

export function boardKey(event: KeyboardEvent, parts: KeyParts): void {
  if (event.defaultPrevented || event.isComposing || !(event.target instanceof HTMLElement)) return;
  if (isUndo(event) && !event.target.matches("input:not([type=checkbox]), textarea, select")) {
    if (parts.undoable === null) return;
    parts.acts.undo(parts.undoable);
    event.preventDefault();
    return;
  }
  if (!event.target.matches("[data-stop], [data-control]")) return;
  const row = rowOf(event.target, parts);
  if (row !== null && actOn(row, event, parts)) event.preventDefault();
}

function isUndo({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === "z" && (ctrlKey || metaKey) && !shiftKey && !altKey;
}

function rowOf(target: HTMLElement, { acts }: KeyParts): Row | null {
  const around = rowAround(target);
  if (around === null) return null;
  const { all } = acts.shown;
  if (around.kind === "item") {
    const item = itemOf(all, around.id);
    return item === null ? null : { item };
  }
  const list = all.find((entry) => entry.list.id === around.id)?.list;
  return list === undefined ? null : { list };
}

/** @returns whether the key means something here */
function actOn(row: Row, event: KeyboardEvent, parts: KeyParts): boolean {
  const { key, altKey, ctrlKey, metaKey } = event;
  if (ctrlKey || metaKey || (key.length === 1 && !parts.letters)) return false;
  if (altKey) {
    if (!("item" in row) || (key !== "ArrowUp" && key !== "ArrowDown")) return false;
    parts.acts.step(row.item.id, key === "ArrowUp" ? "up" : "down");
    parts.change({ type: "wanted", id: row.item.id });
    return true;
  }
  const { target, currentTarget: board } = event;
  const next = board instanceof HTMLElement && target instanceof Element ? neighbour(board, target, key) : null;
  if (next !== null) {
    next.focus();
    return true;
  }
  return "item" in row ? actOnItem(row.item, event, parts) : actOnList(row.list, event, parts);
}

function actOnItem(item: TodoItem, { key, target }: KeyboardEvent, { acts, change }: KeyParts): boolean {
  const isOnRow = target instanceof Element && target.matches("[data-stop]"); // a button at the row has Enter to itself
  switch (key) {
    case "Enter":
      if (isOnRow) change({ type: "edit", item });
      return isOnRow;
    case "F2":
      change({ type: "edit", item });
      return true;
    case "m":
      change({ type: "moving", id: item.id });
      return true;
    case "n":
      change({ type: "adding", id: item.list_id });
      return true;
    case "Delete": {
      const next = acts.after(item.id);
      acts.removeItem(item);
      if (next !== null) change({ type: "wanted", id: next });
      return true;
    }
    default:
      return false;
  }
}

function actOnList(list: TodoList, { key }: KeyboardEvent, { acts, change, view }: KeyParts): boolean {
  const isFolded = view.folded.has(list.id);
  switch (key) {
    case "F2":
      change({ type: "renaming", id: list.id });
      return true;
    case "n":
      change({ type: "adding", id: list.id });
      return true;
    case "ArrowLeft":
    case "ArrowRight":
      if (isFolded !== (key === "ArrowRight")) return false;
      change({ type: "folded", ids: [list.id], folded: !isFolded });
      return true;
    case "Delete": {
      const next = acts.after(list.id);
      acts.removeList(list);
      if (next !== null) change({ type: "wanted", id: next });
      return true;
    }
    default:
      return false;
  }
}
