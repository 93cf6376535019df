/** The rows that the board shows, and what is to be seen at them. */

import { useEffect, useMemo, useState } from "react";
import { useShallow } from "zustand/react/shallow";

import { inOrder, type ListOnBoard } from "../store/board";
import type { BoardView } from "../store/board_view";
import { filtered } from "../store/filter";
import { byList, marksOf, turnsOfRows, type MarksByList } from "../store/marks";
import type { OperationState } from "../store/operations";
import { overlaid, pendingOperations } from "../store/overlay";
import { useAgentState } from "./agent";
import type { Shown } from "./board_acts";

const FLASH_MS = 1_300;
const MINUTE_MS = 60_000;
const NONE: readonly ListOnBoard[] = [];
const UNMARKED: MarksByList = new Map();

/** The time, by the minute: what is overdue, and which day is today. */
export function useNow(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), MINUTE_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** Verified rows, the person's own clicks over them, and of these what is looked for. */
export function useShown({ filter, edits, added }: Pick<BoardView, "filter" | "edits" | "added">, now: Date): Shown {
  const lists = useAgentState(({ board }) => board.lists);
  const items = useAgentState(({ board }) => board.items);
  const revision = useAgentState(({ board }) => board.revision);
  const operations = useAgentState((state) => state.operations);
  const [order] = useState(() => remembering(NONE, inOrder));
  const verified = useMemo(() => order(lists, items), [order, lists, items]);
  const all = useMemo(() => overlaid(verified, pendingOperations(operations, revision)), [verified, operations, revision]);
  const kept = useMemo(() => new Set([...edits.keys(), ...added]), [edits, added]);
  const wanted = useMemo(() => filtered(all, filter, now, kept), [all, filter, now, kept]);
  return useMemo(() => ({ all, wanted }), [all, wanted]);
}

/** The list that each row is shown in; a list is in itself. */
export function useListOf({ all }: Shown): ReadonlyMap<string, string> {
  return useMemo(() => {
    const listOf = new Map<string, string>();
    for (const { list, items } of all) {
      listOf.set(list.id, list.id);
      for (const { id } of items) listOf.set(id, list.id);
    }
    return listOf;
  }, [all]);
}

/** @param verified the click that was confirmed just now */
export function useMarks(verified: OperationState | null, listOf: ReadonlyMap<string, string>): MarksByList {
  const touched = useAgentState(({ board }) => board.touched);
  const revision = useAgentState(({ board }) => board.revision);
  const operations = useAgentState((state) => state.operations);
  const pointed = useAgentState((state) => state.pointed);
  const turns = useAgentState(useShallow(({ log }) => turnsOfRows(log)));
  const [settled, setSettled] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(revision ?? 0), FLASH_MS);
    return () => clearTimeout(timer);
  }, [revision]);
  const [group] = useState(() => remembering(UNMARKED, byList));
  return useMemo(() => {
    const pending = pendingOperations(operations, revision);
    return group(marksOf({ touched, settled, pending, verified, pointed, turns }), listOf);
  }, [group, touched, settled, operations, revision, verified, pointed, turns, listOf]);
}

/** A function that is given its own last result, to make of it what is still the same. */
function remembering<Input extends unknown[], Result>(
  first: Result,
  make: (...input: [...Input, Result]) => Result,
): (...input: Input) => Result {
  let last = first;
  return (...input) => {
    last = make(...input, last);
    return last;
  };
}

export function rowCount(lists: readonly ListOnBoard[]): number {
  return lists.reduce((count, { items }) => count + items.length, 0);
}
