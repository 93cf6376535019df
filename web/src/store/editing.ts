/** A to-do that is being edited while others may change it. What was typed is never lost to them. Pure. */

import { NOTES_MAX_CHARS, TITLE_MAX_CHARS, type TodoItem } from "../connection/protocol";

export type Fields = Pick<TodoItem, "title" | "notes" | "due" | "priority">;
export type Field = keyof Fields;

export interface Edit {
  /** The row as it was when the editor opened, or when theirs was taken. */
  readonly seen: TodoItem;
  /** What was written; fields that were left alone follow the row. */
  readonly draft: Partial<Fields>;
  /** The click that saves it. */
  readonly saving: string | null;
  /** Opened by the person just now: it takes the focus, once. */
  readonly isFresh: boolean;
}

const FIELDS: readonly Field[] = ["title", "notes", "due", "priority"];

export function beginEdit(item: TodoItem): Edit {
  return { seen: item, draft: {}, saving: null, isFresh: true };
}

/** What the fields show. @param row as it is now, or as it was seen where it is gone */
export function fieldsShown({ draft }: Edit, row: TodoItem): Fields {
  const { title, notes, due, priority } = row;
  return { title, notes, due, priority, ...draft };
}

/** What saving would change in the row as it is now. Text as it is stored: without space at its ends. */
export function changesOf({ draft }: Edit, row: TodoItem): Partial<Fields> {
  const { title, notes, due, priority } = draft;
  const written: Partial<Fields> = {
    ...(title === undefined ? {} : { title: asStored(title) }),
    ...(notes === undefined ? {} : { notes: asStored(notes) }),
    ...(due === undefined ? {} : { due }),
    ...(priority === undefined ? {} : { priority }),
  };
  for (const field of FIELDS) if (written[field] === row[field]) delete written[field];
  return written;
}

/** The fields that somebody else has changed since the editor opened. */
export function changedElsewhere({ seen }: Edit, row: TodoItem): readonly Field[] {
  return FIELDS.filter((field) => row[field] !== seen[field]);
}

/** The form in which text is stored and compared, as contracts.text. */
export function asStored(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n").normalize("NFC").trim();
}

/** How many characters a title or name has too many; null where it is empty. */
export function titleOver(title: string): number | null {
  const length = Array.from(asStored(title)).length;
  return length === 0 ? null : Math.max(0, length - TITLE_MAX_CHARS);
}

export function notesOver(notes: string): number {
  return Math.max(0, Array.from(asStored(notes)).length - NOTES_MAX_CHARS);
}
