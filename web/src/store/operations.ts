/** Operations that the page has asked for without a model, and what became of them. Pure. */

import type { Operation } from "../connection/operations";
import type { JournalEntry, OperationsCompleted } from "../connection/protocol";
import type { Reason } from "../connection/state";

interface Asked {
  readonly id: string;
  readonly operations: readonly Operation[];
  /** In the order in which they were asked for, from 1. */
  readonly number: number;
  /** Of the journal's entry for it, once that was told. */
  readonly revision: number | null;
}

export interface Running extends Asked {
  readonly status: "running";
  /** Why it is not known yet what became of it. */
  readonly problem: Reason | null;
}

export interface Completed extends Asked {
  readonly status: "completed";
  readonly result: OperationsCompleted;
}

export interface Failed extends Asked {
  readonly status: "failed";
  readonly reason: Reason;
  /** It may have been done all the same. */
  readonly doubtful: boolean;
}

export type OperationState = Running | Completed | Failed;
export type Operations = ReadonlyMap<string, OperationState>;

const KEPT_MAX = 200;
export const NO_OPERATIONS: Operations = new Map();

/** The rows that an operation is about, where it names them. */
export function rowsOf(operation: Operation): readonly string[] {
  if ("item_id" in operation) return [operation.item_id];
  return "list_id" in operation ? [operation.list_id] : [];
}

/** Something was asked for just now. The oldest that have ended make room. */
export function addOperation(operations: Operations, id: string, wanted: readonly Operation[]): Operations {
  const last = [...operations.values()].at(-1)?.number ?? 0;
  const ended = [...operations.values()].filter(({ status }) => status !== "running");
  const surplus = new Set(ended.slice(0, Math.max(0, operations.size + 1 - KEPT_MAX)).map((state) => state.id));
  const kept = [...operations].filter(([known]) => !surplus.has(known));
  const running: Running = { id, operations: wanted, number: last + 1, revision: null, status: "running", problem: null };
  return new Map([...kept, [id, running]]);
}

export function doubtOperation(operations: Operations, id: string, problem: Reason): Operations {
  return change(operations, id, (state) => (state.status === "running" ? { ...state, problem } : state));
}

/** It ended without a result. */
export function failOperation(operations: Operations, id: string, reason: Reason, doubtful: boolean): Operations {
  return change(operations, id, (state) =>
    state.status === "running" ? { ...asked(state), status: "failed", reason, doubtful } : state,
  );
}

/** What became of it. A result outweighs having been given up. */
export function completeOperation(operations: Operations, result: OperationsCompleted): Operations {
  return change(operations, result.operation_id, (state) =>
    state.status === "completed" ? state : { ...asked(state), status: "completed", result },
  );
}

/** The journal has told of a change, perhaps of one of these. */
export function seeEntry(operations: Operations, entry: JournalEntry): Operations {
  return change(operations, entry.operation_id, (state) =>
    state.revision === null ? { ...state, revision: entry.revision } : state,
  );
}

/** Revisions begin anew, so those of earlier results say nothing any more. */
export function withoutRevisions(operations: Operations): Operations {
  return new Map([...operations].map(([id, state]) => [id, { ...state, revision: state.status === "running" ? null : 0 }]));
}

/** Somebody else is signed in now: of what was clicked before, only that it was not done is still of interest. */
export function disownOperations(operations: Operations): Operations {
  return new Map([...operations].filter(([, { status }]) => status === "failed"));
}

function asked({ id, operations, number, revision }: OperationState): Asked {
  return { id, operations, number, revision };
}

function change(operations: Operations, id: string, to: (state: OperationState) => OperationState): Operations {
  const state = operations.get(id);
  if (state === undefined) return operations;
  const changed = to(state);
  return changed === state ? operations : new Map(operations).set(id, changed);
}
