/** Turns as the page knows them, and how messages change them. Pure. */

import type { FromGateway, ModelUse, Phase, TurnCompleted } from "../connection/protocol";
import type { Reason } from "../connection/state";

export interface PhaseSeen {
  readonly phase: Phase;
  /** Milliseconds since the turn was accepted. */
  readonly elapsedMs: number;
}

export interface Turn {
  readonly id: string;
  readonly text: string;
  readonly status: "sending" | "accepted" | "rejected" | "completed";
  readonly attempt: number;
  readonly phases: readonly PhaseSeen[];
  /** Free prose so far; `completed` holds the whole. */
  readonly prose: string;
  readonly problem: Reason | null;
  readonly completed: TurnCompleted | null;
  readonly traceId: string | null;
}

export interface TurnLog {
  readonly turns: readonly Turn[];
  /** The turn that ended last, to be announced. */
  readonly lastEnded: string | null;
}

const TURNS_MAX = 200;
export const NO_TURNS: TurnLog = { turns: [], lastEnded: null };

/** A turn the person has just sent. The oldest ended turns make room. */
export function addTurn(log: TurnLog, id: string, text: string): TurnLog {
  const turn: Turn = {
    id,
    text,
    status: "sending",
    attempt: 0,
    phases: [],
    prose: "",
    problem: null,
    completed: null,
    traceId: null,
  };
  const surplus = log.turns.length + 1 - TURNS_MAX;
  const dropped = new Set(log.turns.filter(hasEnded).slice(0, Math.max(0, surplus)));
  return { ...log, turns: [...log.turns.filter((other) => !dropped.has(other)), turn] };
}

/** A rejected turn is sent once more, under its own id. */
export function sendAgain(log: TurnLog, id: string): TurnLog {
  return change(log, id, (turn) => (turn.status === "rejected" ? { ...turn, status: "sending", problem: null } : turn));
}

/** The turn was not stored; nothing will happen. */
export function rejectTurn(log: TurnLog, id: string, problem: Reason): TurnLog {
  return ending(change(log, id, (turn) => (hasEnded(turn) ? turn : { ...turn, status: "rejected", problem })), log, id);
}

/** Turns after a message; one that is about no known turn, or comes twice, changes nothing. */
export function takeTurnMessage(log: TurnLog, message: FromGateway): TurnLog {
  switch (message.type) {
    case "turn.accepted":
      return change(log, message.turn_id, (turn) =>
        hasEnded(turn) ? turn : { ...turn, status: "accepted", traceId: message.trace_id, problem: null },
      );
    case "turn.rejected":
      return rejectTurn(log, message.turn_id ?? message.ref ?? "", message);
    case "turn.phase":
      return change(log, message.turn_id, (turn) => {
        const current = atAttempt(turn, message.attempt);
        if (current === null || current.phases.some((seen) => seen.phase === message.phase)) return turn;
        const seen = { phase: message.phase, elapsedMs: message.elapsed_ms };
        return { ...current, phases: [...current.phases, seen] };
      });
    case "turn.delta":
      return change(log, message.turn_id, (turn) => {
        const current = atAttempt(turn, message.attempt);
        return current === null ? turn : withPiece(current, message.offset, message.text);
      });
    case "turn.completed":
      return ending(
        change(log, message.turn.turn_id, (turn) =>
          turn.completed === null ? { ...turn, status: "completed", completed: message.turn, problem: null } : turn,
        ),
        log,
        message.turn.turn_id,
      );
    case "error":
      return takeError(log, message.ref, message);
    default:
      return log;
  }
}

/** The model of the newest receipt that names one. */
export function modelInUse(log: TurnLog): ModelUse | null {
  for (const turn of log.turns.toReversed()) {
    const model = turn.completed?.receipt.model ?? null;
    if (model !== null) return model;
  }
  return null;
}

function hasEnded(turn: Turn): boolean {
  return turn.status === "rejected" || turn.status === "completed";
}

function change(log: TurnLog, id: string, to: (turn: Turn) => Turn): TurnLog {
  const index = log.turns.findIndex((turn) => turn.id === id);
  const turn = log.turns[index];
  if (turn === undefined) return log;
  const changed = to(turn);
  return changed === turn ? log : { ...log, turns: log.turns.with(index, changed) };
}

function ending(log: TurnLog, before: TurnLog, id: string): TurnLog {
  return log === before ? log : { ...log, lastEnded: id };
}

// An error about a stored turn is shown beside it and does not end it: every accepted turn is answered.
function takeError(log: TurnLog, ref: string | null, problem: Reason): TurnLog {
  if (ref === null) return log;
  const turn = log.turns.find((candidate) => candidate.id === ref);
  if (turn?.status !== "accepted") return rejectTurn(log, ref, problem);
  return change(log, ref, (current) => ({ ...current, problem }));
}

/** The turn at this attempt, with what an earlier one showed cleared; null where the message is of an earlier one. */
function atAttempt(turn: Turn, attempt: number): Turn | null {
  if (hasEnded(turn) || attempt < turn.attempt) return null;
  return attempt === turn.attempt ? turn : { ...turn, attempt, phases: [], prose: "" };
}

// Offsets count characters as Python does: code points. A piece after a gap is left out.
function withPiece(turn: Turn, offset: number, text: string): Turn {
  const characters = Array.from(turn.prose);
  if (offset > characters.length) return turn;
  return { ...turn, prose: characters.slice(0, offset).join("") + text };
}
