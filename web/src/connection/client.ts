/** The agent as the page sees it: connects, reconnects, keeps unanswered turns. It knows no React and no store. */

import { Attempt, type Platform } from "./attempt";
import { traceparent, uuid7 } from "./ids";
import { Outbox } from "./outbox";
import { PROTOCOL_VERSION, type FromGateway, type Hello } from "./protocol";
import { IDLE, next, type ConnectionEvent, type ConnectionState, type Reason } from "./state";

export interface ConnectionListener {
  state(state: ConnectionState): void;
  /** The channel is open and the first unanswered turns have been sent again: time to ask for the state. */
  opened(connectMs: number): void;
  message(message: FromGateway): void;
  problem(reason: Reason): void;
  /** A turn got no answer in time; it is being asked again. */
  unanswered(turnId: string): void;
  /** Nothing was heard of an accepted turn for minutes; it is given up. */
  silent(turnId: string): void;
}

export interface ConnectionOptions {
  readonly platform: Platform;
  readonly timeZone: string;
  /** A number from 0 to below 1, for the backoff. */
  readonly chance: () => number;
}

export class AgentConnection {
  readonly #options: ConnectionOptions;
  readonly #listener: ConnectionListener;
  readonly #outbox: Outbox;
  #state: ConnectionState = IDLE;
  #attempt: Attempt | null = null;
  #attempts = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #session: string | null = null;
  #resumeToken: string | null = null;

  constructor(options: ConnectionOptions, listener: ConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#outbox = new Outbox({
      // A turn's id is also the id of its message, so a refusal finds its turn by `ref`.
      send: (turn) => this.#attempt?.send({ type: "turn.start", id: turn.turn_id, ...turn }) === true,
      unanswered: (turnId) => listener.unanswered(turnId),
      silent: (turnId) => listener.silent(turnId),
    });
  }

  /** Connect, or try again at once where an attempt was due later. Nothing happens while one is under way. */
  connect(): void {
    clearTimeout(this.#retry);
    if (!this.#move({ type: "start" })) return;
    this.#attempts += 1;
    this.#attempt = new Attempt(this.#options.platform, this.#attempts, this.#hello(), {
      ready: (ready) => {
        this.#session = ready.session;
        this.#resumeToken = ready.resume_token;
        this.#move({ type: "ready" });
      },
      opened: (connectMs) => {
        this.#move({ type: "opened" });
        this.#outbox.opened();
        this.#listener.opened(connectMs);
      },
      measured: (rttMs) => this.#move({ type: "measured", rttMs }),
      missed: (silentMs) => this.#move({ type: "missed", silentMs }),
      message: (message) => this.#receive(message),
      problem: (reason) => this.#listener.problem(reason),
      lost: (reason, retryAfterMs) => this.#lost(reason, retryAfterMs),
      refused: (reason) => {
        this.#left();
        this.#move({ type: "refused", reason });
      },
    });
  }

  /** Leave: the page goes away. Unanswered turns are kept for a later `connect`. */
  close(): void {
    clearTimeout(this.#retry);
    this.#attempt?.close();
    this.#left();
    this.#move({ type: "stop" });
  }

  /** As `connect`, but only where a next attempt is waiting for its time: the network is back. */
  hurry(): void {
    if (this.#state.name === "reconnecting") this.connect();
  }

  /**
   * Send a turn now, or as soon as there is room and a connection, and again under the same id until it has ended.
   *
   * @returns false where too many turns are waiting; the turn is then not kept
   */
  startTurn(turnId: string, text: string): boolean {
    return this.#outbox.add({ turn_id: turnId, text, traceparent: traceparent(), sent_at: new Date().toISOString() });
  }

  /** Ask for the whole state. @returns the `ref` that its messages will carry, or null without a connection */
  getState(): string | null {
    const id = uuid7();
    return this.#attempt?.send({ type: "state.get", id }) === true ? id : null;
  }

  #hello(): Hello {
    return {
      type: "hello",
      version: PROTOCOL_VERSION,
      token: null,
      time_zone: this.#options.timeZone,
      session: this.#session,
      resume_token: this.#resumeToken,
      last_seen: null,
    };
  }

  #receive(message: FromGateway): void {
    this.#outbox.take(message);
    this.#listener.message(message);
  }

  #left(): void {
    this.#attempt = null;
    this.#outbox.closed();
  }

  #lost(reason: Reason, retryAfterMs: number): void {
    this.#left();
    this.#move({ type: "lost", reason, chance: this.#options.chance(), retryAfterMs });
    if (this.#state.name === "reconnecting") this.#retry = setTimeout(() => this.connect(), this.#state.delayMs);
  }

  /** @returns whether the event changed the state */
  #move(event: ConnectionEvent): boolean {
    const state = next(this.#state, event);
    if (state === this.#state) return false;
    this.#state = state;
    this.#listener.state(state);
    return true;
  }
}
