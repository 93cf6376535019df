/** What is to be seen at a row besides itself. Pure. */

import type { OperationState } from "./operations";
import { rowsOf } from "./operations";
import type { TurnLog } from "./turns";

export interface Mark {
  /** The revision that changed it a moment ago; 0 where none did. */
  readonly touched: number;
  /** A click on it is on its way, or was just confirmed by the second read. */
  readonly click: "pending" | "verified" | null;
  readonly pointed: boolean;
  /** The turn that changed it last. */
  readonly turn: string | null;
}

export type Marks = ReadonlyMap<string, Mark>;
/** Marks by the list that they are in. */
export type MarksByList = ReadonlyMap<string, Marks>;

export interface Marking {
  readonly touched: ReadonlyMap<string, number>;
  /** Changes up to here have been pointed out long enough. */
  readonly settled: number;
  readonly pending: readonly OperationState[];
  /** The click that was confirmed just now. */
  readonly verified: OperationState | null;
  readonly pointed: string | null;
  readonly turns: ReadonlyMap<string, string>;
}

export const NO_MARKS: Marks = new Map();
const PLAIN: Mark = { touched: 0, click: null, pointed: false, turn: null };

/** The rows that anything is to be seen at. */
export function marksOf({ touched, settled, pending, verified, pointed, turns }: Marking): Marks {
  const marks = new Map<string, Mark>();
  const mark = (id: string, more: Partial<Mark>): void => {
    marks.set(id, { ...(marks.get(id) ?? PLAIN), ...more });
  };
  for (const [id, turn] of turns) mark(id, { turn });
  for (const [id, revision] of touched) if (revision > settled) mark(id, { touched: revision });
  if (verified !== null) for (const id of verified.operations.flatMap(rowsOf)) mark(id, { click: "verified" });
  for (const { operations, status } of pending) {
    if (status === "running") for (const id of operations.flatMap(rowsOf)) mark(id, { click: "pending" });
  }
  if (pointed !== null) mark(pointed, { pointed: true });
  return marks;
}

/**
 * Marks by list.
 *
 * @param before an earlier result: a list whose marks are the same gets the same object again, so that it is not drawn again
 */
export function byList(marks: Marks, listOf: ReadonlyMap<string, string>, before: MarksByList): MarksByList {
  const grouped = new Map<string, Map<string, Mark>>();
  for (const [id, mark] of marks) {
    const list = listOf.get(id);
    if (list === undefined) continue;
    const old = before.get(list)?.get(id);
    const here = grouped.get(list) ?? new Map<string, Mark>();
    grouped.set(list, here.set(id, old !== undefined && isSameMark(old, mark) ? old : mark));
  }
  return new Map([...grouped].map(([list, here]) => [list, sameMarks(before.get(list), here)]));
}

function isSameMark(a: Mark, b: Mark): boolean {
  return a.touched === b.touched && a.click === b.click && a.pointed === b.pointed && a.turn === b.turn;
}

function sameMarks(before: Marks | undefined, here: Marks): Marks {
  if (before === undefined || before.size !== here.size) return here;
  return [...here].every(([id, mark]) => before.get(id) === mark) ? before : here;
}

export function markOf(marks: Marks, id: string): Mark {
  return marks.get(id) ?? PLAIN;
}

/** For each row, the newest turn of this page that is seen to have changed it. */
export function turnsOfRows({ turns }: TurnLog): ReadonlyMap<string, string> {
  const seen = turns.filter(({ completed }) => (completed?.receipt.verdict ?? null) !== null);
  return new Map(seen.flatMap(({ id, completed }) => (completed?.receipt.observed.changes ?? []).map((change) => [change.id, id] as const)));
}
