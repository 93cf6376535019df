/** Rows as a person saw them, to tell later whether somebody else has changed them. Pure. */

import type { Board } from "./board";

/** The version of each row by its id; null where there was none. */
export type RowsSeen = ReadonlyMap<string, number | null>;

/** @param ids of lists and items; with a list go its items */
export function rowsAsSeen(board: Board, ids: readonly string[]): RowsSeen {
  const lists = new Set(ids.filter((id) => board.lists.has(id)));
  const inside = [...board.items.values()].filter((item) => lists.has(item.list_id)).map(({ id }) => id);
  return new Map([...ids, ...inside].map((id) => [id, versionOf(board, id)]));
}

/** Whether none of those rows has changed, gone, or been joined by another one in its list. */
export function rowsUnchanged(board: Board, seen: RowsSeen): boolean {
  const now = rowsAsSeen(board, [...seen.keys()]);
  return now.size === seen.size && [...seen].every(([id, version]) => now.get(id) === version);
}

function versionOf({ lists, items }: Board, id: string): number | null {
  return (lists.get(id) ?? items.get(id))?.version ?? null;
}
