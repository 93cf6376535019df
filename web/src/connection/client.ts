/** The agent as the page sees it: connects, reconnects, keeps unanswered turns. It knows no React and no store. */

import { texts } from "../ui/texts";
import { Attempt, type Platform } from "./attempt";
import { Cancels } from "./cancels";
import { traceparent, uuid7 } from "./ids";
import { OperationQueue, type Operation, type OperationEvents } from "./operations";
import { Outbox } from "./outbox";
import type { Path } from "./path";
import { PROTOCOL_VERSION, type FromGateway, type Hello, type Ready } from "./protocol";
import type { Readings } from "./readings";
import { afterMessage, afterReady, inHello, type Resume } from "./resume";
import { IDLE, next, refusalOf, servingAttempt, tryingAttempt, waitOf, type ConnectionEvent, type ConnectionState, type Reason } from "./state";
import { SignIn, type SignInEvents } from "./sign_in";

/** Into which session, and whose. */
export interface Entered {
  readonly session: string;
  readonly ownerName: string;
}

export interface ConnectionListener extends SignInEvents {
  state(state: ConnectionState): void;
  /** The session, its token or what was heard of it has changed: to be kept for a reload. */
  resume(resume: Resume): void;
  /** The channel that opens now is another person's. Unanswered turns were the one's before, and are let go of. */
  ownerChanged(): void;
  /** The channel is open and the first unanswered turns have been sent again: time to ask for the state. */
  opened(connectMs: number, entered: Entered): void;
  path(path: Path): void;
  message(message: FromGateway): void;
  problem(reason: Reason): void;
  /** The gateway has been given a turn: from now on it may be stored. */
  sent(turnId: string): void;
  /** The server will not stop this turn. */
  notStopped(turnId: string, reason: Reason): void;
  /** Whether a turn is stored is not known; it is being asked again, or its outcome is waited for. */
  doubted(turnId: string, reason: Reason): void;
  /** Nothing was heard of a turn that is, or may be, stored for minutes; it is given up. */
  silent(turnId: string): void;
  operationDoubted: OperationEvents["doubted"];
  operationFailed: OperationEvents["failed"];
}

const OTHER_OWNER: Reason = { code: "unauthorised", detail: texts.reasons.changeOfOtherOwner };

export interface ConnectionOptions {
  readonly platform: Platform;
  readonly timeZone: string;
  /** A number from 0 to below 1, for the backoff. */
  readonly chance: () => number;
  /** Of an earlier load of this page. */
  readonly resume?: Resume | null;
  readonly token?: string | null;
  /** Whether only a relay may carry the connection. */
  readonly relayOnly?: boolean;
}

interface Live {
  readonly attempt: Attempt;
  /** From then on. */
  ready: Ready | null;
}

export class AgentConnection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #outbox: Outbox;
  readonly #operations: OperationQueue;
  readonly #cancels: Cancels;
  readonly #signIn: SignIn;
  readonly #live = new Map<number, Live>(); // the attempts that the state names: two at most
  #state: ConnectionState = IDLE;
  #attempts = 0;
  #relayOnly: boolean;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #resume: Resume | null;

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#resume = options.resume ?? null;
    this.#relayOnly = options.relayOnly ?? false;
    this.#signIn = new SignIn(options.token ?? null, listener);
    this.#outbox = new Outbox({
      // A turn's id is also the id of its message, so a refusal finds its turn by `ref`.
      send: (turn) => this.#serving?.send({ type: "turn.start", id: turn.turn_id, ...turn }) === true,
      sent: (turnId) => listener.sent(turnId),
      doubted: (turnId, reason) => listener.doubted(turnId, reason),
      refused: (turnId) => this.#cancels.drop(turnId),
      silent: (turnId) => {
        this.#cancels.drop(turnId);
        listener.silent(turnId);
      },
    });
    this.#cancels = new Cancels({
      send: (id, turnId) => this.#serving?.send({ type: "turn.cancel", id, turn_id: turnId }) === true,
      refused: (turnId, reason) => listener.notStopped(turnId, reason),
    });
    this.#operations = new OperationQueue({
      // The same for operations.
      send: ({ operations, ...run }) =>
        this.#serving?.send({ type: "op.run", id: run.operation_id, ...run, operations: [...operations] }) === true,
      doubted: (id, reason) => listener.operationDoubted(id, reason),
      failed: (id, reason, doubtful) => listener.operationFailed(id, reason, doubtful),
    });
  }

  /** Connect, or try again at once where an attempt was due later. Nothing happens while one is under way. */
  connect(): void {
    this.#attempts += 1;
    this.#move({ type: "start", attempt: this.#attempts });
  }

  /** Leave: the page goes away. Unanswered turns are kept for a later `connect`. */
  close(): void {
    this.#move({ type: "stop" });
  }

  /** The network is back, or another one: do not wait for the next attempt's time, nor for the next ping's. */
  hurry(): void {
    if (waitOf(this.#state) !== null) this.connect();
    this.#serving?.probe();
  }

  /** The page is looked at again, and may not have run meanwhile. */
  woke(): void {
    if (waitOf(this.#state) !== null) this.connect();
    this.#serving?.woke();
  }

  /** The network is gone, or so the browser says: ask whether the channel still serves. */
  doubt(): void {
    this.#serving?.probe();
  }

  /** Allow only a relay from now on, or any way: by a new attempt, beside the channel that serves until that one does. */
  setRelayOnly(relayOnly: boolean): void {
    this.#relayOnly = relayOnly;
    if (this.#state.name === "idle") return;
    this.#attempts += 1;
    this.#move({ type: "replace", attempt: this.#attempts });
  }

  /** Lose the channel that serves as though the network were gone. */
  drop(): void {
    this.#serving?.drop();
  }

  /** How many attempts there have been. */
  get attempts(): number {
    return this.#attempts;
  }

  /** What the browser tells just now of the channel that serves, or else of the attempt that is made. */
  async readings(): Promise<Readings | null> {
    const number = servingAttempt(this.#state) ?? tryingAttempt(this.#state);
    return (await this.#live.get(number ?? 0)?.attempt.readings()) ?? null;
  }

  /** The session to go on with, if there is one. */
  get session(): string | null {
    return this.#resume?.session ?? null;
  }

  /** Let go of the session: the next connection begins one. */
  forget(): void {
    this.#resume = null;
  }

  /** Use a new token from now on: on the living channel if there is one, in the next hello otherwise. */
  renew(token: string): void {
    // A channel that cannot be followed by another one for want of a token needs a new one at once.
    const isWanting = refusalOf(this.#state)?.code === "unauthorised";
    this.#signIn.renew(token, isWanting ? null : this.#serving);
  }

  /**
   * Send a turn now, or as soon as there is room and a connection, and again under the same id until it has ended.
   *
   * @param known what earlier sending has shown: whether the server has said that it is stored, whether it may be
   * @returns false where too many turns are waiting; the turn is then not kept
   */
  startTurn(turnId: string, text: string, known: Parameters<Outbox["add"]>[1] = {}): boolean {
    const turn = { turn_id: turnId, text, traceparent: traceparent(), sent_at: new Date().toISOString() };
    return this.#outbox.add(turn, known);
  }

  /** Send a turn no more, and wait for nothing of it. */
  dropTurn(turnId: string): void {
    this.#outbox.drop(turnId);
    this.#cancels.drop(turnId);
  }

  /** Have a turn stopped, now or as soon as there is a connection, and on each later channel until it has ended. Its end tells what became of it. */
  cancelTurn(turnId: string): void {
    this.#cancels.add(turnId);
  }

  /**
   * Ask for this session's turns that are older than the seq `before`; null for the newest.
   *
   * @returns the `ref` of the answer, or null without a connection
   */
  getHistory(before: number | null, limit: number): string | null {
    const id = uuid7();
    return this.#serving?.send({ type: "history.get", id, before, limit }) === true ? id : null;
  }

  /** Run operations without a model now, or once those before them are through and there is a connection. */
  runOperations(id: string, operations: readonly Operation[], expectedRevision: number | null): void {
    this.#operations.add({ operation_id: id, operations, expected_revision: expectedRevision, traceparent: traceparent() });
  }

  /** Ask for the whole state. @returns the `ref` that its messages will carry, or null without a connection */
  getState(): string | null {
    const id = uuid7();
    return this.#serving?.send({ type: "state.get", id }) === true ? id : null;
  }

  get #serving(): Attempt | null {
    return this.#live.get(servingAttempt(this.#state) ?? 0)?.attempt ?? null;
  }

  #hello(): Hello {
    const { timeZone } = this.#options;
    const token = this.#signIn.token;
    return { type: "hello", version: PROTOCOL_VERSION, token, time_zone: timeZone, ...inHello(this.#resume) };
  }

  #begin(attempt: number): void {
    const { chance, platform } = this.#options;
    const entry = { hello: this.#hello(), relayOnly: this.#relayOnly };
    const made = new Attempt(platform, attempt, entry, {
      ready: (ready) => this.#ready(attempt, ready),
      opened: (connectMs) => {
        const ready = this.#live.get(attempt)?.ready;
        this.#keepOwner(ready?.owner ?? null);
        this.#move({ type: "opened", attempt });
        this.#listener.opened(connectMs, { session: ready?.session ?? "", ownerName: ready?.owner_name ?? "" });
        this.#signIn.opened(made);
      },
      path: (path) => {
        if (servingAttempt(this.#state) === attempt) this.#listener.path(path);
      },
      measured: (rttMs) => this.#move({ type: "measured", attempt, rttMs }),
      missed: (silentMs) => this.#move({ type: "missed", attempt, silentMs }),
      message: (message) => this.#receive(attempt, message),
      problem: (reason) => this.#listener.problem(reason),
      draining: (retryAfterMs) => this.#move({ type: "draining", attempt, chance: chance(), retryAfterMs }),
      lost: (reason, retryAfterMs) => this.#move({ type: "lost", attempt, reason, chance: chance(), retryAfterMs }),
      refused: (reason) => {
        // It says nothing of the token that has taken that one's place meanwhile.
        const isOld = reason.code === "unauthorised" && made.hello.token !== this.#signIn.token;
        this.#move(isOld ? { type: "lost", attempt, reason, chance: chance(), retryAfterMs: 0 } : { type: "refused", attempt, reason });
      },
    });
    this.#live.set(attempt, { attempt: made, ready: null });
  }

  #ready(attempt: number, ready: Ready): void {
    const live = this.#live.get(attempt);
    if (live === undefined) return;
    live.ready = ready;
    this.#setResume(afterReady(this.#resume, ready));
    this.#signIn.entered(ready.token_expires_at);
    this.#move({ type: "ready", attempt });
  }

  // Not before the channel is open: until then an older one may serve the owner before.
  #keepOwner(owner: string | null): void {
    const resume = this.#resume;
    if (resume === null || resume.owner === owner) return;
    if (resume.owner !== null) {
      this.#outbox.clear();
      this.#operations.clear(OTHER_OWNER);
      this.#cancels.clear();
      this.#listener.ownerChanged();
    }
    this.#setResume({ ...resume, owner });
  }

  #receive(attempt: number, message: FromGateway): void {
    if (this.#resume !== null && this.#live.get(attempt)?.ready?.session === this.#resume.session) {
      const resume = afterMessage(this.#resume, message);
      if (resume === null) return;
      if (resume !== this.#resume) this.#setResume(resume);
    }
    const takers = [this.#signIn, this.#operations, this.#cancels, this.#outbox];
    if (takers.some((taker) => taker.take(message))) return;
    this.#listener.message(message);
  }

  #setResume(resume: Resume): void {
    this.#resume = resume;
    this.#listener.resume(resume);
  }

  // The state says which attempts live and whether one is due; this makes it so.
  #move(event: ConnectionEvent): void {
    const before = this.#state;
    const state = next(before, event);
    if (state === before) return;
    this.#state = state;

    const [serving, trying] = [servingAttempt(state), tryingAttempt(state)];
    for (const [number, { attempt }] of this.#live) {
      if (number === serving || number === trying) continue;
      this.#live.delete(number);
      attempt.close();
    }
    if (trying !== null && !this.#live.has(trying)) this.#begin(trying);
    const wait = waitOf(state);
    if (wait !== waitOf(before)) {
      clearTimeout(this.#retry);
      if (wait !== null) this.#retry = setTimeout(() => this.connect(), wait.delayMs);
    }
    this.#listener.state(state);
    if (serving === servingAttempt(before)) return;
    this.#outbox.closed();
    this.#operations.closed();
    this.#cancels.closed();
    this.#signIn.closed();
    if (serving === null) return;
    this.#outbox.opened();
    this.#operations.opened();
    this.#cancels.opened();
  }
}
