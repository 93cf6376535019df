/** The turns of this page: what the person asks, when it is sent, and what they have done with it since. */

import type { AgentConnection } from "../connection/client";
import { byteLength } from "../connection/frames";
import { uuid7 } from "../connection/ids";
import { REQUEST_MAX_BYTES, type FromGateway } from "../connection/protocol";
import type { Reason } from "../connection/state";
import { texts } from "../ui/texts";
import { askedFor, HISTORY_DUE, NO_HISTORY, PAGE_TURNS, takePage, unanswered } from "./history";
import type { Kept } from "./kept";
import { afterEnds, ask, goOn, isQueueFull, leaveQueue, notStopped, stopAll, turnDue } from "./queue";
import type { AgentStore } from "./store";
import {
  addTurn,
  disownTurns,
  doubtTurn,
  isQueued,
  putBack,
  rejectTurn,
  retryOf,
  sendAgain,
  silenceTurn,
  takeTurnMessage,
  turnSent,
  withoutTurns,
  type TurnLog,
} from "./turns";

const HISTORY_ANSWER_MS = 10_000;
const TOO_MANY: Reason = { code: "limit", detail: texts.reasons.tooManyRequests };

type Turns = Pick<AgentConnection, "startTurn" | "dropTurn" | "cancelTurn" | "getHistory">;

/** How many bytes over the limit a request is; 0 where it fits. */
export function bytesOver(text: string): number {
  return Math.max(0, byteLength(text.trim()) - REQUEST_MAX_BYTES);
}

export class Conversation {
  readonly #store: AgentStore;
  readonly #connection: () => Turns;
  readonly #kept: Kept;
  readonly #restored: ReadonlySet<string>;
  #historyTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param connection is called from `restore` on, and not before */
  constructor(store: AgentStore, connection: () => Turns, kept: Kept) {
    this.#store = store;
    this.#connection = connection;
    this.#kept = kept;
    this.#restored = new Set(kept.turns.map(({ id }) => id));
  }

  /** Go on with what was kept for a reload, and keep what there is from now on. */
  restore(): void {
    if (this.#kept.resume !== null) this.#store.setState({ history: HISTORY_DUE });
    for (const { id, text, status, stopping, problem } of this.#kept.turns) {
      const isSent = status === "sending" || status === "accepted";
      this.#change((log) => addTurn(log, id, text, { status, problem, stopping, sent: isSent }));
      // Before the reload it may have been sent and stored.
      if (isSent) this.#start(id, text, { accepted: status === "accepted", doubtful: true });
      if (isSent && stopping) this.#connection().cancelTurn(id);
    }
    this.#store.subscribe(({ log }, before) => {
      if (log !== before.log) this.#kept.keepTurns(log);
    });
    this.#sendDue();
  }

  /** This tab is a copy of another one, which goes on with the session and with the turns that were kept. */
  leaveToOther(): void {
    for (const id of this.#restored) this.#connection().dropTurn(id);
    this.#change((log) => withoutTurns(log, this.#restored));
    this.#store.setState({ history: NO_HISTORY });
  }

  /** Somebody else is signed in now. */
  disown(): void {
    clearTimeout(this.#historyTimer);
    this.#store.setState({ history: NO_HISTORY });
    this.#change(disownTurns);
  }

  /** Send a request, or queue it behind one that is under way. @returns false where it is empty or too long */
  send(text: string): boolean {
    const request = text.trim();
    if (request === "" || bytesOver(request) > 0) return false;
    const id = uuid7();
    if (isQueueFull(this.#log)) {
      this.#change((log) => ({ ...addTurn(log, id, request, { status: "rejected", problem: TOO_MANY }), lastEnded: id }));
      return true;
    }
    this.#change((log) => ask(log, id, request));
    if (this.#log.turns.some((turn) => turn.id === id && !isQueued(turn))) this.#start(id, request);
    return true;
  }

  /** Try a turn again: as itself where it may still be carried out, with its words as a new one where it has ended or was stopped. */
  sendAgain(turnId: string): void {
    const turn = this.#log.turns.find(({ id }) => id === turnId);
    if (turn === undefined) return;
    if (retryOf(turn) === "new") {
      // Of one that was not taken nothing has to stay.
      if (turn.status === "rejected") this.#change((log) => withoutTurns(log, new Set([turnId])));
      this.send(turn.text);
    }
    if (retryOf(turn) !== "same") return;
    const doubtful = turn.status === "silent";
    this.#change((log) => sendAgain(log, turnId));
    if (this.#log.turns.some(({ id, status }) => id === turnId && status === "sending")) this.#start(turnId, turn.text, { doubtful });
  }

  /** Give a turn's text back to be changed; one that is queued is taken out. */
  edit(turnId: string): void {
    this.#change((log) => putBack(log, turnId));
  }

  write(text: string): void {
    this.#change((log) => ({ ...log, putBack: { text, asked: true } }));
  }

  /** Take a queued turn out. */
  takeOut(turnId: string): void {
    const turn = this.#log.turns.find(({ id }) => id === turnId);
    if (turn !== undefined && isQueued(turn)) this.#change((log) => withoutTurns(log, new Set([turnId])));
  }

  /** Let what is held go on. */
  goOn(): void {
    this.#change(goOn);
  }

  /** Stop what is under way. What is queued is held. */
  stop(): void {
    const { log, sent, unsent } = stopAll(this.#log);
    // Nobody else has heard of these.
    for (const { id } of unsent) this.#connection().dropTurn(id);
    this.#change(() => log);
    for (const { id } of sent) this.#connection().cancelTurn(id);
  }

  /** Ask for older turns than are shown, or again for what did not come. */
  earlier(): void {
    const { history } = this.#store.getState();
    if (history.asked === null && (history.more || history.status === "failed")) this.#askHistory(history.behind ? null : history.oldest);
  }

  opened(): void {
    const { asked, behind, status } = this.#store.getState().history;
    // What was asked on another channel may never be answered.
    if (asked !== null || behind || status === "due") this.#askHistory(behind ? null : (asked?.before ?? null));
  }

  closed(): void {
    this.#historyFailed(null);
  }

  sent(turnId: string): void {
    this.#change((log) => turnSent(log, turnId));
  }

  doubted(turnId: string, reason: Reason): void {
    this.#change((log) => doubtTurn(log, turnId, reason));
  }

  silent(turnId: string): void {
    this.#change((log) => silenceTurn(log, turnId));
  }

  notStopped(turnId: string, reason: Reason): void {
    this.#change((log) => notStopped(log, turnId));
    this.#store.setState({ notice: reason });
  }

  /** What was missed, and will not be told, is in the history. @returns false where the server tells none */
  catchUp(): boolean {
    const { history } = this.#store.getState();
    if (history.status === "unsupported") return false;
    // What is on its way may have been read before that.
    this.#store.setState({ history: { ...history, behind: true } });
    if (history.asked === null) this.#askHistory(null);
    return true;
  }

  /** @returns whether the message was about a turn, or answers what was asked here */
  take(message: FromGateway): boolean {
    const { history, log } = this.#store.getState();
    if (message.type === "history.page") {
      if (message.ref !== history.asked?.ref) return true;
      clearTimeout(this.#historyTimer);
      const joined = takePage(history, log, message);
      this.#store.setState({ history: joined.history });
      this.#change(() => joined.log);
      for (const { turn_id: id, text } of joined.running) this.#start(id, text, { accepted: true });
      if (joined.history.behind) this.#askHistory(null);
      return true;
    }
    if (message.type === "error" && message.ref !== null && message.ref === history.asked?.ref) {
      this.#historyFailed(message);
      return true;
    }
    // Another page had the session meanwhile.
    if (message.type === "turn.completed" && !log.turns.some(({ id }) => id === message.turn.turn_id)) this.catchUp();
    this.#change((before) => takeTurnMessage(before, message));
    return this.#log !== log || (message.type === "error" && log.turns.some(({ id }) => id === message.ref));
  }

  get #log(): TurnLog {
    return this.#store.getState().log;
  }

  #askHistory(before: number | null): void {
    const ref = this.#connection().getHistory(before, PAGE_TURNS);
    if (ref === null) return;
    clearTimeout(this.#historyTimer);
    this.#store.setState(({ history }) => ({ history: askedFor(history, ref, before) }));
    this.#historyTimer = setTimeout(() => this.#historyFailed({ code: "timeout" }), HISTORY_ANSWER_MS);
  }

  #historyFailed(reason: Pick<Reason, "code"> | null): void {
    clearTimeout(this.#historyTimer);
    const { history } = this.#store.getState();
    const after = unanswered(history, reason?.code ?? null);
    this.#store.setState({ history: after });
    // Older turns are asked for again by the person, what was missed is not; and where that fails as well, it is for them too.
    if (reason !== null && after.behind && typeof history.asked?.before === "number") this.#askHistory(null);
  }

  #start(turnId: string, text: string, known?: Parameters<AgentConnection["startTurn"]>[2]): void {
    if (this.#connection().startTurn(turnId, text, known)) return;
    this.#change((log) => rejectTurn(log, turnId, TOO_MANY));
  }

  #change(to: (log: TurnLog) => TurnLog): void {
    const before = this.#log;
    const log = afterEnds(to(before), before);
    if (log === before) return;
    this.#store.setState({ log });
    this.#sendDue();
  }

  #sendDue(): void {
    const due = turnDue(this.#log);
    if (due === null) return;
    this.#change((log) => leaveQueue(log, due.id));
    this.#start(due.id, due.text, { doubtful: due.sent });
  }
}
