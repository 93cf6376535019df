/** Turns as the page knows them, and how messages change them. Pure. */

import { isRetryable } from "../connection/outbox";
import type { ErrorCode, FromGateway, ModelUse, Phase, TurnCompleted, WaitsFor } from "../connection/protocol";
import type { Reason } from "../connection/state";

export interface PhaseSeen {
  readonly phase: Phase;
  /** Milliseconds since the turn was accepted. */
  readonly elapsedMs: number;
}

export interface Turn {
  readonly id: string;
  readonly text: string;
  /** `silent`: it is, or may be, stored, and then nothing more was heard of it. */
  readonly status: "sending" | "accepted" | "rejected" | "completed" | "silent";
  readonly attempt: number;
  readonly phases: readonly PhaseSeen[];
  /** What holds the newest phase up. */
  readonly waitsFor: WaitsFor | null;
  /** Free prose so far; `completed` holds the whole. */
  readonly prose: string;
  /** Of a turn that is being sent: why it is not known yet whether it was taken. */
  readonly problem: Reason | null;
  readonly completed: TurnCompleted | null;
  readonly traceId: string | null;
}

/** The text of a rejected turn, on its way back to the composer. */
export interface PutBack {
  readonly text: string;
  /** By the person; otherwise it must not disturb what they are writing. */
  readonly asked: boolean;
}

export interface TurnLog {
  readonly turns: readonly Turn[];
  /** The turn that ended last, to be announced. */
  readonly lastEnded: string | null;
  readonly putBack: PutBack | null;
}

const TURNS_MAX = 200;
export const NO_TURNS: TurnLog = { turns: [], lastEnded: null, putBack: null };
const OTHER_OWNER: Reason = {
  code: "unauthorised",
  detail: "This was written under another sign-in; it is not sent under yours",
};
const SILENT: Reason = { code: "timeout", detail: "No word of this request any more; look at the lists" };
// Sent once more as it is, such a turn can be taken; with any other code the request itself has to change.
const WORTH_REPEATING: ReadonlySet<ErrorCode> = new Set(["limit", "capacity", "deadline", "internal"]);

/** Whether a turn that was rejected for this reason may be taken when it is sent again as it is. */
export function isWorthRepeating({ code }: Reason): boolean {
  return isRetryable(code) || WORTH_REPEATING.has(code);
}

/** A turn the person has just sent, or, with a status, before a reload. The oldest ended turns make room. */
export function addTurn(log: TurnLog, id: string, text: string, known: Partial<Pick<Turn, "status" | "problem">> = {}): TurnLog {
  const turn: Turn = {
    id,
    text,
    status: "sending",
    attempt: 0,
    phases: [],
    waitsFor: null,
    prose: "",
    problem: null,
    completed: null,
    traceId: null,
    ...known,
  };
  const surplus = log.turns.length + 1 - TURNS_MAX;
  const dropped = new Set(log.turns.filter(hasEnded).slice(0, Math.max(0, surplus)));
  return { ...log, turns: [...log.turns.filter((other) => !dropped.has(other)), turn] };
}

/** Turns that are another page's. */
export function withoutTurns(log: TurnLog, ids: ReadonlySet<string>): TurnLog {
  return { ...log, turns: log.turns.filter(({ id }) => !ids.has(id)) };
}

/** Somebody else is signed in now. What was asked before stays readable, and is not put into the new owner's mouth. */
export function disownTurns(log: TurnLog): TurnLog {
  return { ...log, turns: log.turns.map(disowned), putBack: null };
}

/** A rejected turn is sent once more, under its own id. */
export function sendAgain(log: TurnLog, id: string): TurnLog {
  const sent = change(log, id, (turn) => (turn.status === "rejected" ? { ...turn, status: "sending", problem: null } : turn));
  return sent !== log && log.lastEnded === id ? { ...sent, lastEnded: null } : sent;
}

/** The turn was not stored; nothing will happen. One that was accepted was stored, whatever is said of it later. */
export function rejectTurn(log: TurnLog, id: string, problem: Reason): TurnLog {
  const rejected = change(log, id, (turn) => (turn.status === "sending" ? { ...turn, status: "rejected", problem } : turn));
  const text = log.turns.find((turn) => turn.id === id)?.text;
  if (rejected === log || text === undefined) return log;
  return { ...rejected, lastEnded: id, putBack: isWorthRepeating(problem) ? log.putBack : { text, asked: false } };
}

/** The person wants to change a rejected turn's text. */
export function putBack(log: TurnLog, id: string): TurnLog {
  const turn = log.turns.find((candidate) => candidate.id === id);
  return turn?.status === "rejected" ? { ...log, putBack: { text: turn.text, asked: true } } : log;
}

/** Whether the turn was stored is not known, and is being asked. Of one that is known to be stored, it is no news. */
export function doubtTurn(log: TurnLog, id: string, problem: Reason): TurnLog {
  return change(log, id, (turn) => (turn.status === "sending" ? { ...turn, problem } : turn));
}

/** Nothing has been heard of a turn that is, or may be, stored for so long that it is not waited for any more. */
export function silenceTurn(log: TurnLog, id: string): TurnLog {
  const silenced = change(log, id, (turn) =>
    hasEnded(turn) ? turn : { ...turn, status: "silent", problem: SILENT },
  );
  return ending(silenced, log, id);
}

/** Turns after a message; one that is about no known turn, or comes twice, changes nothing. */
export function takeTurnMessage(log: TurnLog, message: FromGateway): TurnLog {
  switch (message.type) {
    case "turn.accepted":
      return change(log, message.turn_id, (turn) =>
        // The word that it is stored outweighs an earlier one that it is not.
        hasEnded(turn) && turn.status !== "rejected"
          ? turn
          : { ...turn, status: "accepted", traceId: message.trace_id ?? turn.traceId, problem: null },
      );
    case "turn.rejected": {
      const id = message.turn_id ?? message.ref ?? "";
      return isRetryable(message.code) ? doubtTurn(log, id, message) : refuse(log, id, message);
    }
    case "turn.phase":
      return change(log, message.turn_id, (turn) => {
        const current = atAttempt(turn, message.attempt);
        if (current === null) return turn;
        const waitsFor = message.waits_for ?? null;
        if (current.phases.some((seen) => seen.phase === message.phase)) {
          // Of an earlier phase it is no news any more.
          return message.phase === current.phases.at(-1)?.phase ? { ...current, waitsFor } : turn;
        }
        const seen = { phase: message.phase, elapsedMs: message.elapsed_ms };
        return { ...current, waitsFor, phases: [...current.phases, seen] };
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
      return takeError(log, message.ref ?? "", message);
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

/** Whether nothing more is expected of the turn. */
export function hasEnded(turn: Turn): boolean {
  return turn.status === "rejected" || turn.status === "completed" || turn.status === "silent";
}

function disowned(turn: Turn): Turn {
  if (turn.status === "completed" || turn.status === "silent") return turn;
  return { ...turn, status: turn.status === "accepted" ? "silent" : "rejected", problem: OTHER_OWNER };
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

function refuse(log: TurnLog, id: string, problem: Reason): TurnLog {
  return besideAccepted(rejectTurn(log, id, problem), id, problem);
}

// An error does not say whether the turn was stored: it ends no turn.
function takeError(log: TurnLog, id: string, problem: Reason): TurnLog {
  const doubted = doubtTurn(log, id, problem);
  return isRetryable(problem.code) ? doubted : besideAccepted(doubted, id, problem);
}

// A problem of a stored turn is shown beside it and does not end it: every accepted turn is answered.
function besideAccepted(log: TurnLog, id: string, problem: Reason): TurnLog {
  return change(log, id, (turn) => (turn.status === "accepted" ? { ...turn, problem } : turn));
}

/** The turn at this attempt, with what an earlier one showed cleared; null where the message is of an earlier one. */
function atAttempt(turn: Turn, attempt: number): Turn | null {
  if (hasEnded(turn) || attempt < turn.attempt) return null;
  return attempt === turn.attempt ? turn : { ...turn, attempt, phases: [], waitsFor: null, prose: "" };
}

// Offsets count characters as Python does: code points. A piece after a gap is left out.
function withPiece(turn: Turn, offset: number, text: string): Turn {
  const characters = Array.from(turn.prose);
  if (offset > characters.length) return turn;
  return { ...turn, prose: characters.slice(0, offset).join("") + text };
}
