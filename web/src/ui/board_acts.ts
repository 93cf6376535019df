/** What a person does on the board, as operations, and in which words it is told meanwhile. It knows no React. */

import { newRowId } from "../connection/ids";
import type { Operation } from "../connection/operations";
import type { TodoItem, TodoList } from "../connection/protocol";
import type { ListOnBoard } from "../store/board";
import type { Fields } from "../store/editing";
import { moveTo, stepFrom, type Move, type Target } from "../store/moving";
import { itemOf } from "../store/overlay";
import type { RunOptions } from "../store/runs";
import { texts } from "./texts";

/** One click, as it was asked for. */
export interface Click {
  readonly id: string;
  readonly operations: readonly Operation[];
  readonly options: RunOptions;
  /** What is being done, in words. */
  readonly words: string;
}

export interface Shown {
  /** Every row. */
  readonly all: readonly ListOnBoard[];
  /** The rows that the filter leaves. */
  readonly wanted: readonly ListOnBoard[];
}

/** A name of a person's own in a sentence of ours, set apart so that its letters cannot turn the sentence around. */
export function quoted(name: string): string {
  return `\u2068“${name}”\u2069`;
}

export class BoardActs {
  #shown: Shown = { all: [], wanted: [] };
  readonly #run: (operations: readonly Operation[], options: RunOptions) => string;
  readonly #clicked: (click: Click) => void;
  readonly #say: (words: string) => void;

  constructor(
    run: (operations: readonly Operation[], options: RunOptions) => string,
    clicked: (click: Click) => void,
    say: (words: string) => void,
  ) {
    this.#run = run;
    this.#clicked = clicked;
    this.#say = say;
  }

  /** What is on the board now. */
  get shown(): Shown {
    return this.#shown;
  }

  show(shown: Shown): void {
    this.#shown = shown;
  }

  /** What takes the focus when a row goes: the row behind it, or the one in front. */
  after(id: string): string | null {
    return rowsAfter(this.#shown.wanted, id)[0] ?? null;
  }

  /** The rows that take the focus when this one goes, the next best behind the best. */
  allAfter(id: string): readonly string[] {
    return rowsAfter(this.#shown.wanted, id);
  }

  tick(item: TodoItem): void {
    const { doing } = texts.board;
    const words = item.done ? doing.open_item(quoted(item.title)) : doing.complete_item(quoted(item.title));
    this.#click([{ op: "complete_item", item_id: item.id, done: !item.done }], words);
  }

  addList(name: string): string {
    const id = newRowId("l");
    this.#click([{ op: "create_list", list_id: id, name }], texts.board.doing.create_list(quoted(name)));
    return id;
  }

  addItem(listId: string, { title, ...more }: Partial<Fields> & Pick<Fields, "title">): string {
    const id = newRowId("i");
    this.#click([{ op: "create_item", item_id: id, list_id: listId, title, ...more }], texts.board.doing.create_item(quoted(title)));
    return id;
  }

  rename({ id, name: before }: TodoList, name: string): void {
    if (name === before) return;
    this.#click([{ op: "rename_list", list_id: id, name }], texts.board.doing.rename_list(quoted(before)));
  }

  /** @returns the id of the click; null where nothing is to be changed */
  update(item: TodoItem, changed: Partial<Fields>): string | null {
    const { due, ...others } = changed;
    const dueFields = due === undefined ? {} : due === null ? { clear_due: true } : { due };
    const fields = { ...others, ...dueFields };
    if (Object.keys(fields).length === 0) return null;
    const operation = { op: "update_item", item_id: item.id, ...fields } as const;
    return this.#click([operation], texts.board.doing.update_item(quoted(item.title)), { onlyIfUnchanged: [item.id] });
  }

  removeItem(item: TodoItem): void {
    this.#click([{ op: "delete_item", item_id: item.id }], texts.board.doing.delete_item(quoted(item.title)));
  }

  /** What goes with the list must be what is seen of it. */
  removeList({ id, name }: TodoList): void {
    this.#click([{ op: "delete_list", list_id: id }], texts.board.doing.delete_list(quoted(name)), { onlyIfUnchanged: [id] });
  }

  undo(changeId: string): void {
    this.#click([{ op: "undo_change", change_id: changeId }], texts.board.doing.undo_change());
  }

  /** Ask for the same once more. */
  again({ operations, options, words }: Click): void {
    this.#click(operations, words, options);
  }

  /** @returns whether it moves */
  move(itemId: string, target: Target): boolean {
    const { all } = this.#shown;
    const item = itemOf(all, itemId);
    const move = moveTo(all, itemId, target);
    if (item === null || move === null) return false;
    this.#click([move.operation], texts.board.doing.move_item(quoted(item.title)));
    this.#say(movedWords(item, move));
    return true;
  }

  /** One step among the rows that are shown. */
  step(itemId: string, direction: "up" | "down"): void {
    const { all, wanted } = this.#shown;
    const target = stepFrom(wanted, itemId, direction);
    if (target !== null && this.move(itemId, target)) return;
    const item = itemOf(all, itemId);
    if (item !== null) this.#say(texts.board.cannotMove(quoted(item.title)));
  }

  #click(operations: readonly Operation[], words: string, options: RunOptions = {}): string {
    const id = this.#run(operations, options);
    this.#clicked({ id, operations, options, words });
    return id;
  }
}

// Those of its list behind it, those in front, the list itself; then the lists behind, and in front.
function rowsAfter(lists: readonly ListOnBoard[], id: string): readonly string[] {
  const index = lists.findIndex(({ list, items }) => list.id === id || items.some((item) => item.id === id));
  const entry = lists[index];
  if (entry === undefined) return [];
  const otherLists = around(lists, index).map(({ list }) => list.id);
  if (entry.list.id === id) return otherLists;
  const at = entry.items.findIndex((item) => item.id === id);
  return [...around(entry.items, at).map((item) => item.id), entry.list.id, ...otherLists];
}

function around<Row>(rows: readonly Row[], at: number): readonly Row[] {
  return [...rows.slice(at + 1), ...rows.slice(0, at).toReversed()];
}

function movedWords({ title }: TodoItem, { listName, place, count }: Move): string {
  return texts.board.moved(quoted(title), quoted(listName), place, count);
}
