/** The board: lists and items at a revision, and how messages change them. Pure. */

import { LISTS_MAX, type JournalEntry, type StateList, type TodoItem, type TodoList } from "../connection/protocol";

type Lists = ReadonlyMap<string, TodoList>;
type Items = ReadonlyMap<string, TodoItem>;

/** A state being received: one list a message, shown only when it is whole. */
interface Loading {
  readonly ref: string;
  readonly revision: number | null;
  readonly received: readonly StateList[];
  readonly later: readonly JournalEntry[]; // changes that arrived meanwhile
  readonly passedOver: number; // changes up to this revision were not told meanwhile
}

export interface Board {
  /** Null until a state has been received. */
  readonly revision: number | null;
  readonly lists: Lists;
  readonly items: Items;
  readonly loading: Loading | null;
  /** What is shown may be old: the state has to be asked for. */
  readonly stale: boolean;
  /** The rows of the last changes, each with its newest revision, to be pointed out. */
  readonly touched: ReadonlyMap<string, number>;
}

export interface ListOnBoard {
  readonly list: TodoList;
  readonly items: readonly TodoItem[];
}

const LATER_MAX = 1_000;
const TOUCHED_REVISIONS = 20; // so many changes within a second are pointed out

export const EMPTY_BOARD: Board = {
  revision: null,
  lists: new Map(),
  items: new Map(),
  loading: null,
  stale: true,
  touched: new Map(),
};

/** The state was asked for; its messages will carry `ref`. */
export function beginLoading(board: Board, ref: string): Board {
  const loading = { ref, revision: null, received: [], later: [], passedOver: 0 };
  return { ...board, loading, stale: false };
}

/** The answer will not come any more, or cannot be used. */
export function abandonLoading(board: Board): Board {
  return { ...board, loading: null, stale: true };
}

/** Take one message of the state; with the last one it is swapped in, and what changed meanwhile is applied. */
export function takeList(board: Board, message: StateList): Board {
  const { loading } = board;
  if (loading === null || loading.ref !== message.ref) return board;
  const sameRevision = loading.revision === null || loading.revision === message.revision;
  const count = loading.received.length;
  if (!sameRevision || message.index !== count || count > LISTS_MAX) return abandonLoading(board);

  const received = [...loading.received, message];
  if (!message.last) return { ...board, loading: { ...loading, revision: message.revision, received } };
  const lists = new Map(received.flatMap(({ list }) => (list === null ? [] : [[list.id, list] as const])));
  const items = new Map(received.flatMap((part) => part.items.map((item) => [item.id, item] as const)));
  const stale = message.revision < loading.passedOver;
  const loaded = { ...EMPTY_BOARD, revision: message.revision, lists, items, stale };
  return loading.later.reduce(applyEntry, loaded);
}

/** Apply the change that follows the shown revision; ignore an older one; a gap, or a change too large to be told, makes the board stale. */
export function applyEntry(board: Board, entry: JournalEntry): Board {
  const { loading, revision } = board;
  if (loading !== null) {
    // Entries beyond the bound are left out: the gap shows after the swap, and the state is asked for again.
    if (loading.later.length >= LATER_MAX) return board;
    return { ...board, loading: { ...loading, later: [...loading.later, entry] } };
  }
  if (revision === null) return { ...board, stale: true };
  if (entry.revision <= revision) return board;
  if (entry.revision !== revision + 1 || entry.truncated) return { ...board, stale: true };
  return { ...board, revision: entry.revision, ...withImages(board, entry), touched: touchedBy(board, entry) };
}

/** Changes up to a revision will not be told: unless the state that is being received holds them, it has to be asked for. */
export function passOver(board: Board, revision: number): Board {
  const { loading } = board;
  if (loading === null) return { ...board, stale: true };
  return { ...board, loading: { ...loading, passedOver: Math.max(loading.passedOver, revision) } };
}

function touchedBy({ touched }: Board, { revision, images }: JournalEntry): ReadonlyMap<string, number> {
  const recent = [...touched].filter(([, last]) => last > revision - TOUCHED_REVISIONS);
  return new Map([...recent, ...images.map((image) => [image.row_id, revision] as const)]);
}

function withImages(board: Board, entry: JournalEntry): { lists: Lists; items: Items } {
  const lists = new Map(board.lists);
  const items = new Map(board.items);
  for (const { row_id: id, after } of entry.images) {
    if (after === null) {
      items.delete(id);
      if (lists.delete(id)) for (const item of board.items.values()) if (item.list_id === id) items.delete(item.id);
    } else if ("list_id" in after) items.set(id, after);
    else lists.set(id, after);
  }
  return { lists, items };
}

// Positions are compared by code unit, as the database does with its "C" collation.
function byPosition(a: TodoList | TodoItem, b: TodoList | TodoItem): number {
  if (a.position !== b.position) return a.position < b.position ? -1 : 1;
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

/**
 * Lists with their items, both ordered by (position, id).
 *
 * @param before an earlier result: what has not changed since is the same object again, so that it need not be drawn again
 */
export function inOrder(lists: Lists, items: Items, before: readonly ListOnBoard[] = []): readonly ListOnBoard[] {
  const byList = new Map<string, TodoItem[]>([...lists.keys()].map((id) => [id, []]));
  for (const item of items.values()) byList.get(item.list_id)?.push(item);
  const known = new Map(before.map((entry) => [entry.list.id, entry]));
  return [...lists.values()].toSorted(byPosition).map((list) => {
    const entry = { list, items: (byList.get(list.id) ?? []).toSorted(byPosition) };
    const old = known.get(list.id);
    return old !== undefined && isSame(old, entry) ? old : entry;
  });
}

function isSame(a: ListOnBoard, b: ListOnBoard): boolean {
  return a.list === b.list && a.items.length === b.items.length && a.items.every((item, index) => item === b.items[index]);
}
