/** How the board is looked at: what is searched for, folded, written in. Nothing of it is anybody else's. Pure. */

import type { TodoItem } from "../connection/protocol";
import { beginEdit, type Edit, type Fields } from "./editing";
import { EVERYTHING, type Filter } from "./filter";

export const NEW_LIST = "new list";

export interface BoardView {
  readonly filter: Filter;
  /** Lists and to-dos that were added since the filter was chosen: shown, whether they fit or not. */
  readonly added: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
  readonly edits: ReadonlyMap<string, Edit>;
  /** The list whose name is being written. */
  readonly renaming: string | null;
  /** The list that a to-do is being written for, or NEW_LIST. */
  readonly adding: string | null;
  /** The item that a list is being chosen for. */
  readonly moving: string | null;
  /** The row that is to get the focus as soon as it is there. A new object each time. */
  readonly wanted: { readonly id: string } | null;
}

export type ViewEvent =
  | { readonly type: "filtered"; readonly filter: Partial<Filter> }
  | { readonly type: "added"; readonly id: string }
  | { readonly type: "folded"; readonly ids: readonly string[]; readonly folded: boolean }
  | { readonly type: "edit"; readonly item: TodoItem }
  | { readonly type: "written"; readonly id: string; readonly fields: Partial<Fields> }
  | { readonly type: "entered"; readonly id: string }
  | { readonly type: "taken"; readonly item: TodoItem }
  | { readonly type: "saving"; readonly id: string; readonly click: string | null }
  | { readonly type: "edited"; readonly id: string }
  | { readonly type: "renaming"; readonly id: string | null }
  | { readonly type: "adding"; readonly id: string | null }
  | { readonly type: "moving"; readonly id: string | null }
  | { readonly type: "wanted"; readonly id: string };

export function initialView(folded: ReadonlySet<string>): BoardView {
  return { filter: EVERYTHING, added: new Set(), folded, edits: new Map(), renaming: null, adding: null, moving: null, wanted: null };
}

export function nextView(view: BoardView, event: ViewEvent): BoardView {
  switch (event.type) {
    case "filtered":
      return { ...view, filter: { ...view.filter, ...event.filter }, added: new Set() };
    case "added":
      return { ...view, added: withIds(view.added, [event.id], true) };
    case "folded":
      return { ...view, folded: withIds(view.folded, event.ids, event.folded) };
    case "edit":
      // One that is open goes on with what was written in it.
      return view.edits.has(event.item.id) ? view : withEdit(view, event.item.id, beginEdit(event.item));
    case "written":
      return changeEdit(view, event.id, (edit) => ({ ...edit, draft: { ...edit.draft, ...event.fields } }));
    case "entered":
      return changeEdit(view, event.id, (edit) => ({ ...edit, isFresh: false }));
    case "taken":
      return withEdit(view, event.item.id, beginEdit(event.item));
    case "saving":
      return changeEdit(view, event.id, (edit) => ({ ...edit, saving: event.click }));
    case "edited": {
      const edits = new Map(view.edits);
      edits.delete(event.id);
      return { ...view, edits };
    }
    case "renaming":
      return { ...view, renaming: event.id };
    case "adding":
      return { ...view, adding: event.id, folded: event.id === null ? view.folded : withIds(view.folded, [event.id], false) };
    case "moving":
      return { ...view, moving: event.id };
    case "wanted":
      return { ...view, wanted: { id: event.id } };
  }
}

function withIds(ids: ReadonlySet<string>, changed: readonly string[], isIn: boolean): ReadonlySet<string> {
  const all = new Set(ids);
  for (const id of changed) {
    if (isIn) all.add(id);
    else all.delete(id);
  }
  return all;
}

function withEdit(view: BoardView, id: string, edit: Edit): BoardView {
  return { ...view, edits: new Map(view.edits).set(id, edit) };
}

function changeEdit(view: BoardView, id: string, to: (edit: Edit) => Edit): BoardView {
  const edit = view.edits.get(id);
  return edit === undefined ? view : withEdit(view, id, to(edit));
}
