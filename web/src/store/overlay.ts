/** The board as it will be once the person's own clicks are through. What others do is never guessed. Pure. */

import type { Operation } from "../connection/operations";
import type { TodoItem, TodoList } from "../connection/protocol";
import type { Board, ListOnBoard } from "./board";
import type { Operations, OperationState } from "./operations";

type Lists = readonly ListOnBoard[];

/**
 * The clicks that the shown rows do not hold yet.
 *
 * One is laid over them while it runs, and after it was confirmed until the board has reached the revision that it was
 * confirmed at. One that came to anything else is not: the rows show at once that it was not done.
 */
export function pendingOperations(operations: Operations, revision: Board["revision"]): readonly OperationState[] {
  return [...operations.values()].filter((state) => !isSettled(state, revision ?? 0));
}

function isSettled(state: OperationState, revision: number): boolean {
  if (state.revision !== null) return state.revision <= revision;
  if (state.status !== "completed") return state.status === "failed";
  const { outcome, receipt } = state.result;
  if (outcome !== "confirmed" && outcome !== "already_so") return true;
  const reached = receipt.revision_after ?? receipt.revision_before;
  return reached === null || reached <= revision;
}

/** Lists with their items after these clicks, as far as a page can know: what cannot be done is left as it is. */
export function overlaid(lists: Lists, pending: readonly OperationState[]): Lists {
  return pending.flatMap(({ operations }) => operations).reduce(afterOperation, lists);
}

function afterOperation(lists: Lists, operation: Operation): Lists {
  switch (operation.op) {
    case "create_list": {
      const { list_id: id, name } = operation;
      return lists.some(({ list }) => list.id === id) ? lists : [...lists, { list: newList(id, name), items: [] }];
    }
    case "rename_list":
      return inList(lists, operation.list_id, (entry) => ({ ...entry, list: { ...entry.list, name: operation.name } }));
    case "delete_list":
      return lists.filter(({ list }) => list.id !== operation.list_id);
    case "create_item":
      if (itemOf(lists, operation.item_id) !== null) return lists;
      return inList(lists, operation.list_id, (entry) => ({ ...entry, items: [...entry.items, newItem(operation)] }));
    case "update_item":
      return withItem(lists, operation.item_id, (item) => updated(item, operation));
    case "complete_item":
      return withItem(lists, operation.item_id, (item) => ({ ...item, done: operation.done ?? true }));
    case "move_item":
      return moved(lists, operation);
    case "delete_item":
      return withoutItem(lists, operation.item_id);
    case "undo_change":
      return lists; // what it puts back, only the journal knows
  }
}

function newList(id: string, name: string): TodoList {
  return { id, name, position: "", version: 1 };
}

function newItem(operation: Extract<Operation, { op: "create_item" }>): TodoItem {
  const { item_id: id, list_id, title, notes = "", due = null, priority = "none" } = operation;
  return { id, list_id, title, notes, due, priority, done: false, position: "", version: 1 };
}

function updated(item: TodoItem, operation: Extract<Operation, { op: "update_item" }>): TodoItem {
  const { title, notes, due, clear_due: clears, priority } = operation;
  return {
    ...item,
    title: title ?? item.title,
    notes: notes ?? item.notes,
    due: clears === true ? null : (due ?? item.due),
    priority: priority ?? item.priority,
  };
}

function moved(lists: Lists, operation: Extract<Operation, { op: "move_item" }>): Lists {
  const { item_id: id, list_id: listId, after_id: afterId, first } = operation;
  const item = itemOf(lists, id);
  if (item === null || afterId === id || !lists.some(({ list }) => list.id === listId)) return lists;
  return inList(withoutItem(lists, id), listId, (entry) => {
    const behind = entry.items.findIndex((other) => other.id === afterId);
    const atEnd = entry.items.length;
    const place = first === true ? 0 : behind === -1 ? atEnd : behind + 1;
    return { ...entry, items: entry.items.toSpliced(place, 0, { ...item, list_id: listId }) };
  });
}

/** The item with this id, wherever it is shown. */
export function itemOf(lists: Lists, id: string): TodoItem | null {
  for (const { items } of lists) {
    const found = items.find((item) => item.id === id);
    if (found !== undefined) return found;
  }
  return null;
}

function inList(lists: Lists, id: string, to: (entry: ListOnBoard) => ListOnBoard): Lists {
  return lists.map((entry) => (entry.list.id === id ? to(entry) : entry));
}

function withItem(lists: Lists, id: string, to: (item: TodoItem) => TodoItem): Lists {
  return lists.map((entry) => {
    const index = entry.items.findIndex((item) => item.id === id);
    const item = entry.items[index];
    return item === undefined ? entry : { ...entry, items: entry.items.with(index, to(item)) };
  });
}

function withoutItem(lists: Lists, id: string): Lists {
  return lists.map((entry) =>
    entry.items.some((item) => item.id === id) ? { ...entry, items: entry.items.filter((item) => item.id !== id) } : entry,
  );
}
