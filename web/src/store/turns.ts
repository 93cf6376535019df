/** Turns as the page knows them, and how messages change them. Pure. */

import { isRetryable } from "../connection/outbox";
import type { ErrorCode, FromGateway, ModelUse, Outcome, Phase, TurnCompleted, WaitsFor } from "../connection/protocol";
import type { Reason } from "../connection/state";
import { texts } from "../ui/texts";

export interface PhaseSeen {
  readonly phase: Phase;
  /** Milliseconds since the turn was accepted. */
  readonly elapsedMs: number;
}

export interface Turn {
  readonly id: string;
  readonly text: string;
  /**
   * `queued`: it waits in the page for the turns before it. `held`: one of those has ended so that the person has to look;
   * it waits until they let it go on, or what they ask next ends well. `stopped`: they have pressed stop; only they let it go on.
   * `silent`: it is, or may be, stored, and then nothing more was heard of it.
   */
  readonly status: "queued" | "held" | "stopped" | "sending" | "accepted" | "rejected" | "completed" | "silent";
  /** The gateway has been given it, or may have been, before a reload. */
  readonly sent: boolean;
  /** The person has stopped it, whatever came of that. */
  readonly stopping: boolean;
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

/** The text of a turn, on its way back to the composer. */
export interface PutBack {
  readonly text: string;
  /** By the person; otherwise it must not disturb what they are writing. */
  readonly asked: boolean;
}

export interface TurnLog {
  /** In the order in which they were asked; those that wait in the page are the last ones. */
  readonly turns: readonly Turn[];
  /** The turn that ended last, to be announced. */
  readonly lastEnded: string | null;
  /** The turn that the person asked last. */
  readonly lastAsked: string | null;
  readonly putBack: PutBack | null;
}

export const TURNS_MAX = 500;
export const NO_TURNS: TurnLog = { turns: [], lastEnded: null, lastAsked: null, putBack: null };
const OTHER_OWNER: Reason = { code: "unauthorised", detail: texts.reasons.requestOfOtherOwner };
const SILENT: Reason = { code: "timeout", detail: texts.reasons.silent };
// Sent once more as it is, such a turn can be taken; with any other code the request itself has to change.
const WORTH_REPEATING: ReadonlySet<ErrorCode> = new Set(["limit", "capacity", "deadline", "internal"]);
// Ends that leave the lists as they were, and that another try may not meet. Of `unknown` that is not so.
const CHANGED_NOTHING: ReadonlySet<Outcome> = new Set(["failed", "conflict", "cancelled"]);

/** Whether a turn that was rejected for this reason may be taken when it is sent again as it is. */
export function isWorthRepeating({ code }: Reason): boolean {
  return isRetryable(code) || WORTH_REPEATING.has(code);
}

export type Known = Partial<Pick<Turn, "status" | "problem" | "sent" | "stopping" | "completed">>;

/** A turn of which no more is known than what is given. */
export function newTurn(id: string, text: string, known: Known = {}): Turn {
  return {
    id,
    text,
    status: "sending",
    sent: false,
    stopping: false,
    attempt: 0,
    phases: [],
    waitsFor: null,
    prose: "",
    problem: null,
    completed: null,
    traceId: null,
    ...known,
  };
}

/** A turn the person has just sent, or, with a status, before a reload: behind what is under way, before what is queued. */
export function addTurn(log: TurnLog, id: string, text: string, known: Known = {}): TurnLog {
  const turn = newTurn(id, text, known);
  const first = isQueued(turn) ? -1 : log.turns.findIndex(isQueued);
  return bounded({ ...log, lastAsked: id, turns: log.turns.toSpliced(first === -1 ? log.turns.length : first, 0, turn) });
}

/** The oldest ended turns make room. */
function bounded(log: TurnLog): TurnLog {
  const dropped = new Set(log.turns.filter(hasEnded).slice(0, Math.max(0, log.turns.length - TURNS_MAX)));
  return dropped.size === 0 ? log : { ...log, turns: log.turns.filter((turn) => !dropped.has(turn)) };
}

/** Without turns that were taken out, or are another page's. */
export function withoutTurns(log: TurnLog, ids: ReadonlySet<string>): TurnLog {
  return { ...log, turns: log.turns.filter(({ id }) => !ids.has(id)) };
}

/** Somebody else is signed in now. What was asked before stays readable, and is not put into the new owner's mouth. */
export function disownTurns(log: TurnLog): TurnLog {
  return { ...log, turns: log.turns.map(disowned), putBack: null };
}

/**
 * A turn that was rejected or went silent is sent once more, under its own id: whatever became of it, it is done once.
 * Behind one that is under way it is queued.
 */
export function sendAgain(log: TurnLog, id: string): TurnLog {
  const turn = log.turns.find((candidate) => candidate.id === id);
  if (turn === undefined || retryOf(turn) !== "same") return log;
  const again: Turn = { ...turn, problem: null, stopping: false, status: isBusy(log) ? "queued" : "sending" };
  const turns =
    again.status === "queued"
      ? [...log.turns.filter((other) => other !== turn), again]
      : log.turns.map((other) => (other === turn ? again : other));
  return { ...log, turns, lastEnded: log.lastEnded === id ? null : log.lastEnded };
}

/**
 * How an ended turn can be tried again: as the same one, as a new one with its words, or not.
 *
 * The server may remember that one is to be stopped, and would stop it again under its id. One that went silent keeps its id
 * all the same: it may have been carried out, and a new one would do it twice.
 */
export function retryOf({ status, stopping, problem, completed }: Turn): "same" | "new" | null {
  if (status === "completed") return completed !== null && CHANGED_NOTHING.has(completed.outcome) ? "new" : null;
  if (problem === null || !(status === "rejected" || status === "silent")) return null;
  if (!isWorthRepeating(problem)) return null;
  return status === "rejected" && stopping ? "new" : "same";
}

/** The gateway was given the turn. */
export function turnSent(log: TurnLog, id: string): TurnLog {
  return change(log, id, (turn) => (turn.sent ? turn : { ...turn, sent: true }));
}

/** Whether a turn is under way. */
export function isBusy(log: TurnLog): boolean {
  return log.turns.some(isRunning);
}

export function isRunning({ status }: Turn): boolean {
  return status === "sending" || status === "accepted";
}

export function isQueued({ status }: Turn): boolean {
  return status === "queued" || status === "held" || status === "stopped";
}

/** The turns that wait in the page, in their order. */
export function queued(log: TurnLog): readonly Turn[] {
  return log.turns.filter(isQueued);
}

/** The turn was not stored; nothing will happen. One that was accepted was stored, whatever is said of it later. */
export function rejectTurn(log: TurnLog, id: string, problem: Reason): TurnLog {
  const rejected = change(log, id, (turn) => (turn.status === "sending" ? { ...turn, status: "rejected", sent: false, problem } : turn));
  const text = log.turns.find((turn) => turn.id === id)?.text;
  if (rejected === log || text === undefined) return log;
  return { ...rejected, lastEnded: id, putBack: isWorthRepeating(problem) ? log.putBack : { text, asked: false } };
}

/** The person wants to change a turn's text and send that. One that is queued leaves its place; others stay as they are. */
export function putBack(log: TurnLog, id: string): TurnLog {
  const turn = log.turns.find((candidate) => candidate.id === id);
  if (turn === undefined) return log;
  const turns = isQueued(turn) ? log.turns.filter((other) => other !== turn) : log.turns;
  return { ...log, turns, putBack: { text: turn.text, asked: true } };
}

/** Whether the turn was stored is not known, and is being asked. Of one that is known to be stored, it is no news. */
export function doubtTurn(log: TurnLog, id: string, problem: Reason): TurnLog {
  return change(log, id, (turn) => (turn.status === "sending" ? { ...turn, problem } : turn));
}

/** Nothing has been heard of a turn that is, or may be, stored for so long that it is not waited for any more. */
export function silenceTurn(log: TurnLog, id: string): TurnLog {
  const silenced = change(log, id, (turn) =>
    isRunning(turn) ? { ...turn, status: "silent", problem: SILENT } : turn,
  );
  return ending(silenced, log, id);
}

/** Turns after a message; one that is about no known turn, or comes twice, changes nothing. */
export function takeTurnMessage(log: TurnLog, message: FromGateway): TurnLog {
  switch (message.type) {
    case "turn.accepted":
      return change(log, message.turn_id, (turn) =>
        // The word that it is stored outweighs an earlier one that it is not. One that is queued will ask for it.
        isQueued(turn) || (hasEnded(turn) && turn.status !== "rejected")
          ? turn
          : { ...turn, status: "accepted", sent: true, traceId: message.trace_id ?? turn.traceId, problem: null },
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
  return { ...turn, stopping: false, status: turn.status === "accepted" ? "silent" : "rejected", problem: OTHER_OWNER };
}

/** The log with one turn changed; the same log where the turn stays as it is, or there is none. */
export function change(log: TurnLog, id: string, to: (turn: Turn) => Turn): TurnLog {
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
  if (!isRunning(turn) || attempt < turn.attempt) return null;
  return attempt === turn.attempt ? turn : { ...turn, attempt, phases: [], waitsFor: null, prose: "" };
}

// Offsets count characters as Python does: code points. A piece after a gap is left out.
function withPiece(turn: Turn, offset: number, text: string): Turn {
  const characters = Array.from(turn.prose);
  if (offset > characters.length) return turn;
  return { ...turn, prose: characters.slice(0, offset).join("") + text };
}
