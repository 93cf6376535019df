/** Values that several tests use. */

import * as v from "valibot";

import {
  FromGatewaySchema,
  TurnCompletedSchema,
  type FromGateway,
  type JournalEntry,
  type StateList,
  type TodoItem,
  type TodoList,
  type TurnCompleted,
} from "../src/connection/protocol";

/** A small seeded generator (mulberry32): numbers from 0 to below 1, the same on every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A message as it would be after its way over the wire, defaults filled in. */
export function fromGateway(message: object): FromGateway {
  return v.parse(FromGatewaySchema, message);
}

export function todoList(id: string, name: string, position = id): TodoList {
  return { id, name, position, version: 1 };
}

export function todoItem(id: string, listId: string, title: string, more: Partial<TodoItem> = {}): TodoItem {
  return {
    id,
    list_id: listId,
    title,
    notes: "",
    done: false,
    due: null,
    priority: "none",
    position: id,
    version: 1,
    ...more,
  };
}

export function stateList(message: Partial<StateList>): StateList {
  return { type: "state.list", ref: "r1", revision: 7, index: 0, last: true, list: null, items: [], ...message };
}

export function entry(revision: number, images: readonly object[] = []): JournalEntry {
  const changed = fromGateway({
    type: "state.changed",
    entry: {
      revision,
      change_id: `c${revision}`,
      operation_id: `o${revision}`,
      author: "chat",
      at: "2026-11-22T12:00:00Z",
      images,
    },
  });
  if (changed.type !== "state.changed") throw new Error("is no state.changed");
  return changed.entry;
}

export function completed(turnId: string, more: object = {}): TurnCompleted {
  return v.parse(TurnCompletedSchema, {
    session: "s1",
    turn_id: turnId,
    outcome: "answered",
    text: "Two items.",
    receipt: {},
    completed_at: "2026-11-22T12:00:01Z",
    ...more,
  });
}

/** A tab's storage in memory, or one that fails as browsers' do. */
export class FakeStorage implements Storage {
  readonly #entries: Map<string, string>;
  readonly #fails: { readonly full?: boolean; readonly forbidden?: boolean };

  constructor(fails: { readonly full?: boolean; readonly forbidden?: boolean } = {}, entries: Iterable<[string, string]> = []) {
    this.#fails = fails;
    this.#entries = new Map(entries);
  }

  /** As a duplicated tab gets it. */
  copy(): FakeStorage {
    return new FakeStorage(this.#fails, this.#entries);
  }

  get length(): number {
    return this.#entries.size;
  }

  getItem(key: string): string | null {
    if (this.#fails.forbidden === true) throw new DOMException("no", "SecurityError");
    return this.#entries.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (this.#fails.full === true) throw new DOMException("full", "QuotaExceededError");
    if (this.#fails.forbidden === true) throw new DOMException("no", "SecurityError");
    this.#entries.set(key, value);
  }

  key(index: number): string | null {
    return [...this.#entries.keys()][index] ?? null;
  }

  removeItem(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
