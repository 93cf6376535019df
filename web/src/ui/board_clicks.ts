/** The person's own clicks on the board: what they did, and which of it is still told. */

import { useCallback, useState } from "react";

import type { Operations } from "../store/operations";
import type { Click } from "./board_acts";
import { isGood, isVerified } from "./click_words";

const KEPT_MAX = 40;

/** What was clicked, oldest first, whether it is still told or not: this is what can be undone. */
export interface Clicks {
  readonly all: readonly Click[];
  /** The ids of those that are not told any more. */
  readonly away: ReadonlySet<string>;
}

const NONE: Clicks = { all: [], away: new Set() };

export function withClick({ all, away }: Clicks, click: Click): Clicks {
  const kept = [...all, click].slice(-KEPT_MAX);
  return { all: kept, away: new Set(kept.flatMap(({ id }) => (away.has(id) ? [id] : []))) };
}

/** Tell a click no more, nor what went well before it: nothing older takes the place of what was told last. */
export function withoutClick({ all, away }: Clicks, id: string, operations: Operations): Clicks {
  const at = all.findIndex((click) => click.id === id);
  const good = all.slice(0, Math.max(0, at)).filter((click) => {
    const state = operations.get(click.id);
    return state !== undefined && isGood(state);
  });
  return { all, away: new Set([...away, id, ...good.map((click) => click.id)]) };
}

/** The change of the person's own that was verified last; one that was taken back, and the taking back, left out. */
export function undoable({ all }: Clicks, operations: Operations): string | null {
  const states = all.flatMap(({ id }) => operations.get(id) ?? []);
  const undone = new Set(
    states
      .filter((state) => state.status === "running" || isGood(state))
      .flatMap((state) => state.operations.flatMap((asked) => (asked.op === "undo_change" ? [asked.change_id] : []))),
  );
  const changes = states.flatMap((state) => {
    const isUndo = state.operations.some(({ op }) => op === "undo_change");
    return state.status === "completed" && isVerified(state) && !isUndo ? (state.result.receipt.change_id ?? []) : [];
  });
  return changes.findLast((change) => !undone.has(change)) ?? null;
}

export interface ClicksKept {
  readonly clicks: Clicks;
  readonly clicked: (click: Click) => void;
  readonly putAway: (id: string, operations: Operations) => void;
}

export function useClicks(): ClicksKept {
  const [clicks, setClicks] = useState(NONE);
  const clicked = useCallback((click: Click) => setClicks((known) => withClick(known, click)), []);
  const putAway = useCallback((id: string, operations: Operations) => setClicks((known) => withoutClick(known, id, operations)), []);
  return { clicks, clicked, putAway };
}
