/** One row of a diff in words. Pure. */

import type { Receipt, RowChange } from "../connection/protocol";
import { dueInFull } from "./due_words";
import { texts } from "./texts";

const { fields: NAMES, places: PLACES, priorities: PRIORITIES } = texts.receipt;
const { open: OPEN, done: DONE, none: NONE, anotherList: ANOTHER_LIST } = texts.receipt;

export interface FieldChange {
  readonly field: string;
  /** Null where it is not known. */
  readonly before: string | null;
  /** Null where the row is gone. */
  readonly after: string | null;
}

export interface RowWords {
  readonly kind: "added" | "removed" | "changed";
  readonly title: string;
  /** The name of the list that it is in; null where it is a list itself. */
  readonly list: string | null;
  readonly fields: readonly FieldChange[];
}

/** How rows are called that a receipt only gives the ids of. */
export type Names = ReadonlyMap<string, string>;

/** Changes in the order of the operations that made them; a diff is sorted by ids, which mean nothing to a person. */
export function inOrderOf(operations: Receipt["operations"], changes: readonly RowChange[]): readonly RowChange[] {
  const places = new Map(operations.map((operation, place) => [rowOf(operation), place]));
  const placeOf = ({ id }: RowChange): number => places.get(id) ?? operations.length;
  return changes.toSorted((one, other) => placeOf(one) - placeOf(other));
}

function rowOf(operation: Receipt["operations"][number]): string {
  if ("item_id" in operation) return operation.item_id;
  return "list_id" in operation ? operation.list_id : operation.change_id;
}

type View = NonNullable<RowChange["after"]>;
/** Null where a field is not set. */
type Fields = ReadonlyMap<string, string | null>;

/** The ids of the rows that have to be named for this change. */
export function idsNamedIn({ before, after }: RowChange): readonly string[] {
  const items = [before, after].filter((view) => view?.kind === "item");
  return items.flatMap(({ list_id, place }) => [list_id, place?.item_id ?? []].flat());
}

// What can be set on an item besides where it is and what it is called.
function settingsOf(view: View): Fields {
  if (view.kind === "list") return new Map();
  return new Map([
    [NAMES.due, view.due === null ? null : dueInFull(view.due)],
    [NAMES.priority, view.priority === "none" ? null : PRIORITIES[view.priority]],
    [NAMES.notes, view.notes === "" ? null : view.notes],
  ]);
}

function fieldsOf(view: View, listName: (id: string) => string): Fields {
  if (view.kind === "list") return new Map([[NAMES.name, view.name]]);
  return new Map([
    [NAMES.title, view.title],
    [NAMES.list, listName(view.list_id)],
    [NAMES.state, view.done ? DONE : OPEN],
    ...settingsOf(view),
  ]);
}

function changedFields(before: Fields, after: Fields): readonly FieldChange[] {
  return [...after]
    .filter(([field, value]) => value !== (before.get(field) ?? null))
    .map(([field, value]) => ({ field, before: before.get(field) ?? NONE, after: value ?? NONE }));
}

/** The fields that are set on a row that is new or gone; that it is open goes without saying. */
function setFields(view: View): readonly (readonly [string, string])[] {
  const done: Fields = new Map([[NAMES.state, view.kind === "item" && view.done ? DONE : null]]);
  return [...done, ...settingsOf(view)].flatMap(([field, value]) => (value === null ? [] : [[field, value] as const]));
}

// A view says where the change put an item, and not where it was before.
function placeChange(view: View, names: Names): readonly FieldChange[] {
  if (view.kind === "list" || view.place === null) return [];
  const { at, item_id: id } = view.place;
  const behind = id === null ? PLACES.elsewhere : PLACES.after(names.get(id) ?? null);
  return [{ field: NAMES.place, before: null, after: { first: PLACES.first, end: PLACES.end, after: behind }[at] }];
}

/** One row of a diff in words; null where it shows neither a before nor an after. */
export function rowWords(change: RowChange, names: Names): RowWords | null {
  const view = change.after ?? change.before;
  if (view === null) return null;
  // The list of the row as it is now is named by the receipt; the board may not know a list that is gone.
  const named = (id: string): string =>
    view.kind === "item" && id === view.list_id && change.list_name !== null
      ? change.list_name
      : (names.get(id) ?? ANOTHER_LIST);
  const title = view.kind === "list" ? view.name : view.title;
  const list = view.kind === "list" ? null : named(view.list_id);
  if (change.before === null) {
    const fields = setFields(view).map(([field, after]) => ({ field, before: null, after }));
    return { kind: "added", title, list, fields };
  }
  if (change.after === null) {
    const fields = setFields(view).map(([field, before]) => ({ field, before, after: null }));
    return { kind: "removed", title, list, fields };
  }
  const fields = changedFields(fieldsOf(change.before, named), fieldsOf(change.after, named));
  return { kind: "changed", title, list, fields: [...fields, ...placeChange(change.after, names)] };
}
