/** Earlier turns of this session, as the server keeps them: what was asked for, and how a page of them joins the log. Pure. */

import type { ErrorCode, HistoryPage, HistoryTurn } from "../connection/protocol";
import type { Reason } from "../connection/state";
import { texts } from "../ui/texts";
import { isQueued, newTurn, TURNS_MAX, type Turn, type TurnLog } from "./turns";

export const PAGE_TURNS = 20;
const LOST: Reason = { code: "not_found", detail: texts.reasons.lost };

interface Asked {
  /** The `ref` of the answer. */
  readonly ref: string;
  /** What is older than this seq; null for the newest. */
  readonly before: number | null;
}

export interface History {
  /**
   * `none`: the session has just begun; `due`: there may be some, which is to be asked for; `known`: some of it is shown;
   * `failed`: the last question has met an error; `unsupported`: this server tells none.
   */
  readonly status: "none" | "due" | "known" | "failed" | "unsupported";
  readonly asked: Asked | null;
  /** Something newer may have been missed than what was told, and is to be asked for. */
  readonly behind: boolean;
  /** The seq of the oldest turn that was told. */
  readonly oldest: number | null;
  /** Whether the server has older ones, for which there is room. */
  readonly more: boolean;
}

export const NO_HISTORY: History = { status: "none", asked: null, behind: false, oldest: null, more: false };
export const HISTORY_DUE: History = { ...NO_HISTORY, status: "due" };

/** It was asked for what is older than `before`. */
export function askedFor(history: History, ref: string, before: number | null): History {
  return { ...history, asked: { ref, before }, behind: before !== null && history.behind };
}

/** The answer will not come: there was an error, or, with null, the connection is gone. A server without histories is no failure. */
export function unanswered(history: History, code: ErrorCode | null): History {
  if (history.asked === null) return history;
  if (code === "unsupported") return { ...NO_HISTORY, status: "unsupported" };
  const behind = history.behind || history.asked.before === null;
  if (code !== null) return { ...history, asked: null, behind, status: "failed" };
  return { ...history, asked: null, behind, status: history.status === "failed" ? "due" : history.status };
}

export interface Joined {
  readonly history: History;
  readonly log: TurnLog;
  /** Turns that the page did not know of and whose end is not known. */
  readonly running: readonly HistoryTurn[];
}

/** A page of history joins the log. What the log knows stays as it is, but for ends that it has not heard of. */
export function takePage(history: History, log: TurnLog, page: HistoryPage): Joined {
  if (history.asked === null || page.ref !== history.asked.ref) return { history, log, running: [] };
  const told = page.turns.toSorted((one, other) => one.seq - other.seq);
  const known = new Set(log.turns.map(({ id }) => id));
  const room = Math.max(0, TURNS_MAX - log.turns.length);
  const unknown = told.filter(({ turn_id: id }) => !known.has(id));
  const fitting = unknown.slice(Math.max(0, unknown.length - room));
  const ends = new Map(told.map((turn) => [turn.turn_id, turn]));
  const turns = merged(fitting.map(fromHistory), log.turns.map((turn) => ended(turn, ends.get(turn.id))));

  const place = placeOf(history, page, told[0]?.seq ?? null, unknown.length < told.length);
  return {
    history: { status: "known", asked: null, behind: history.behind, ...place, more: place.more && fitting.length === unknown.length },
    log: { ...log, turns },
    running: fitting.filter(isUnderWay),
  };
}

// The newest page again, where it reaches what is known already, says nothing of what is older than that.
function placeOf(history: History, page: HistoryPage, first: number | null, overlaps: boolean): Pick<History, "oldest" | "more"> {
  const isAgain = history.asked?.before === null && history.oldest !== null;
  if (isAgain && (overlaps || first === null)) return { oldest: history.oldest, more: history.more };
  return { oldest: first ?? history.oldest, more: page.more };
}

function fromHistory(turn: HistoryTurn): Turn {
  const { turn_id: id, text, completed } = turn;
  if (isUnderWay(turn)) return newTurn(id, text, { status: "accepted", sent: true });
  if (completed === null) return newTurn(id, text, { status: "silent", sent: true, problem: LOST });
  return newTurn(id, text, { status: "completed", sent: true, completed });
}

function isUnderWay({ completed, outcome_lost: isLost }: HistoryTurn): boolean {
  return completed === null && !isLost;
}

// A turn that is under way hears its end by itself, and that is announced.
function ended(turn: Turn, told: HistoryTurn | undefined): Turn {
  const completed = told?.completed ?? null;
  if (completed === null || !(turn.status === "silent" || turn.status === "rejected")) return turn;
  return { ...turn, status: "completed", completed, problem: null };
}

/** Both in their own order; ids begin with the time of their making, so they tell which goes first. */
function merged(older: readonly Turn[], known: readonly Turn[]): readonly Turn[] {
  const result: Turn[] = [];
  let next = 0;
  for (const turn of known) {
    for (let earlier = older[next]; earlier !== undefined && (earlier.id < turn.id || isQueued(turn)); earlier = older[next]) {
      result.push(earlier);
      next += 1;
    }
    result.push(turn);
  }
  return [...result, ...older.slice(next)];
}
