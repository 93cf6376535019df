/**
 * Which turn is sent when: one at a time, in the order of their writing. Pure.
 *
 * The server would keep that order by itself. They wait in the page so that they can still be changed or taken out. After an
 * end that the person has to look at, the rest is held: it was written without knowing of that. What they have stopped goes
 * on at their word alone, however well they are answered meanwhile.
 */

import type { Outcome } from "../connection/protocol";
import { addTurn, change, isBusy, isQueued, isRunning, type Known, type Turn, type TurnLog } from "./turns";

export const QUEUE_MAX = 32;
const GOES_ON: ReadonlySet<Outcome> = new Set(["confirmed", "already_so", "answered", "not_found", "refused"]);

/** A turn the person has just written: sent at once, or queued behind one that is under way. */
export function ask(log: TurnLog, id: string, text: string, known: Known = {}): TurnLog {
  return addTurn(log, id, text, isBusy(log) ? { ...known, status: "queued" } : known);
}

/** Whether there is no room for another one. */
export function isQueueFull(log: TurnLog): boolean {
  return isBusy(log) && log.turns.filter(isQueued).length >= QUEUE_MAX;
}

/** The turn whose time has come, or null. */
export function turnDue(log: TurnLog): Turn | null {
  return isBusy(log) ? null : (log.turns.find(({ status }) => status === "queued") ?? null);
}

/** Its time has come. It goes past what is stopped. */
export function leaveQueue(log: TurnLog, id: string): TurnLog {
  return queueLast(change(log, id, (turn) => (isQueued(turn) ? { ...turn, status: "sending" } : turn)));
}

/** The person lets what is held or stopped go on. */
export function goOn(log: TurnLog): TurnLog {
  return everyTurn(log, ["held", "stopped"], "queued");
}

/** What is queued waits for the person to have looked at an end. */
export function hold(log: TurnLog): TurnLog {
  return everyTurn(log, ["queued"], "held");
}

/** After `log` has come from `before`: what is queued is held, or goes on, by how turns that were under way have ended. */
export function afterEnds(log: TurnLog, before: TurnLog): TurnLog {
  if (log === before || !log.turns.some(isQueued)) return log;
  const ran = new Map(before.turns.filter((turn) => !isQueued(turn)).map((turn) => [turn.id, turn]));
  const ended = log.turns.filter((turn) => !isRunning(turn) && !isQueued(turn) && hasMoved(turn, ran.get(turn.id)));
  if (ended.length === 0) return log;
  return ended.every(endsWell) ? everyTurn(log, ["held"], "queued") : hold(log);
}

/** The person has stopped everything. Turns that the gateway was never given wait in the queue with the rest; others are marked. */
export function stopAll(log: TurnLog): { readonly log: TurnLog; readonly unsent: readonly Turn[]; readonly sent: readonly Turn[] } {
  const running = log.turns.filter(isRunning);
  const unsent = running.filter(({ sent }) => !sent);
  const sent = running.filter((turn) => turn.sent && !turn.stopping);
  if (unsent.length + sent.length === 0) return { log, unsent, sent };
  const stopped = (turn: Turn): Turn => {
    if (sent.includes(turn)) return { ...turn, stopping: true };
    return unsent.includes(turn) || isQueued(turn) ? { ...turn, status: "stopped", problem: null } : turn;
  };
  return { log: queueLast({ ...log, turns: log.turns.map(stopped) }), unsent, sent };
}

/** The server will not stop the turn. */
export function notStopped(log: TurnLog, id: string): TurnLog {
  return change(log, id, (turn) => (turn.stopping && isRunning(turn) ? { ...turn, stopping: false } : turn));
}

function everyTurn(log: TurnLog, from: readonly Turn["status"][], to: Turn["status"]): TurnLog {
  if (!log.turns.some(({ status }) => from.includes(status))) return log;
  return { ...log, turns: log.turns.map((turn) => (from.includes(turn.status) ? moved(turn, to) : turn)) };
}

function queueLast(log: TurnLog): TurnLog {
  return { ...log, turns: [...log.turns.filter((turn) => !isQueued(turn)), ...log.turns.filter(isQueued)] };
}

function moved(turn: Turn, status: Turn["status"]): Turn {
  return { ...turn, status };
}

// Only a turn that was shown as under way, or as gone silent, can be news; history brings ends that were known long ago.
function hasMoved(turn: Turn, before: Turn | undefined): boolean {
  return before !== undefined && before.status !== turn.status;
}

function endsWell({ status, stopping, completed }: Turn): boolean {
  return status === "completed" && !stopping && completed !== null && GOES_ON.has(completed.outcome);
}
