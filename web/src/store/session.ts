/** Joins the connection to the store, and offers what a person can do. */

import type { Platform } from "../connection/attempt";
import { AgentConnection } from "../connection/client";
import { byteLength } from "../connection/frames";
import { uuid7 } from "../connection/ids";
import type { Operation } from "../connection/operations";
import { REQUEST_MAX_BYTES, type FromGateway } from "../connection/protocol";
import { SessionLock } from "../connection/session_lock";
import { refusalOf, type ConnectionState, type Reason } from "../connection/state";
import { abandonLoading, applyEntry, beginLoading, EMPTY_BOARD, passOver, takeList, type Board } from "./board";
import { Expiry } from "./expiry";
import { isToken, Kept } from "./kept";
import { Line } from "./line";
import { Runs, type RunOptions } from "./runs";
import type { AgentStore, Revealed, View } from "./store";
import {
  addTurn,
  disownTurns,
  doubtTurn,
  putBack,
  rejectTurn,
  sendAgain,
  silenceTurn,
  takeTurnMessage,
  withoutTurns,
  type TurnLog,
} from "./turns";

const STATE_ANSWER_MS = 10_000;
const STATE_PAUSE_MS = 2_000;
const TOO_MANY: Reason = {
  code: "limit",
  detail: "Too many requests are waiting for the server. Send it again when some have been answered.",
};

const MISSED: Reason = {
  code: "limit",
  detail: "Much has happened while this page was away, and not all of it is shown here; the lists are up to date",
};
const NO_TOKEN: Reason = {
  code: "unauthorised",
  detail: "The link that was opened holds no sign-in that can be used; open the link you were given again",
};

export interface SessionOptions {
  readonly platform: Platform;
  readonly timeZone: string;
  readonly chance: () => number;
  /** What an earlier load of this page has left; nothing by default. */
  readonly kept?: Kept;
  readonly lock?: SessionLock;
}

/** How many bytes over the limit a request is; 0 where it fits. */
export function bytesOver(text: string): number {
  return Math.max(0, byteLength(text.trim()) - REQUEST_MAX_BYTES);
}

export class AgentSession {
  /** The connection as a person sees it and can try it. */
  readonly line: Line;
  readonly #store: AgentStore;
  readonly #connection: AgentConnection;
  readonly #kept: Kept;
  readonly #lock: SessionLock;
  readonly #expiry: Expiry;
  readonly #runs: Runs;
  readonly #restored: ReadonlySet<string>;
  #stateTimer: ReturnType<typeof setTimeout> | undefined;
  #entering: symbol | null = null;

  constructor(store: AgentStore, { kept = new Kept(null), lock = new SessionLock(null), ...options }: SessionOptions) {
    this.#store = store;
    this.#kept = kept;
    this.#lock = lock;
    this.#expiry = new Expiry((signInEnds) => store.setState({ signInEnds }));
    this.#runs = new Runs(store, (id, operations, revision) => this.#connection.runOperations(id, operations, revision));
    this.#connection = new AgentConnection(
      { ...options, resume: kept.resume, token: kept.token, relayOnly: kept.relayOnly },
      {
        state: (connection) => this.#connectionMoved(connection),
        resume: (resume) => {
          kept.resume = resume;
          void lock.claim(resume.session);
        },
        ownerChanged: () => {
          this.#changeLog(disownTurns);
          this.#setBoard(EMPTY_BOARD);
        },
        opened: (connectMs, entered) => {
          store.setState({ connectMs });
          this.line.entered(entered);
          this.#askForState();
        },
        path: (path) => store.setState({ path }),
        message: (message) => this.#take(message),
        problem: (notice) => store.setState({ notice }),
        doubted: (turnId, reason) => this.#changeLog((log) => doubtTurn(log, turnId, reason)),
        silent: (turnId) => this.#changeLog((log) => silenceTurn(log, turnId)),
        operationDoubted: (id, reason) => this.#runs.doubted(id, reason),
        operationFailed: (id, reason, doubtful) => this.#runs.failed(id, reason, doubtful),
        token: (token) => {
          kept.token = token;
          if (refusalOf(store.getState().connection)?.code === "unauthorised") this.connect();
        },
        tokenExpires: (at) => this.#expiry.set(at),
        tokenDoubted: (notice) => store.setState({ notice }),
      },
    );
    this.line = new Line(store, kept, this.#connection);
    this.#restored = new Set(kept.turns.map(({ id }) => id));
    this.#restore();
    store.subscribe(({ log }, before) => {
      if (log !== before.log) kept.keepTurns(log);
    });
  }

  /** Connect, or try again at once. */
  connect(): void {
    const { session } = this.#connection;
    if (session === null || this.#lock.isHeld(session)) this.#connection.connect();
    else if (this.#entering === null) void this.#enter(session);
  }

  /** The page is looked at again. */
  woke(): void {
    this.#connection.woke();
  }

  close(): void {
    this.#entering = null;
    this.#connection.close();
    this.#lock.release();
  }

  /** The address brought a token. Where no further attempt is made by itself, make one with it. */
  signIn(token: string): void {
    if (!isToken(token)) {
      this.#store.setState({ notice: NO_TOKEN });
      return;
    }
    this.#connection.renew(token);
    if (refusalOf(this.#store.getState().connection) !== null) this.connect();
  }

  /** Keep what is being written for a reload. */
  keepDraft(text: string): void {
    this.#kept.draft = text;
  }

  /** Send a request. @returns false where it is empty or too long, and so was not sent */
  send(text: string): boolean {
    const request = text.trim();
    if (request === "" || bytesOver(request) > 0) return false;
    const id = uuid7();
    this.#changeLog((log) => addTurn(log, id, request));
    this.#start(id, request);
    return true;
  }

  /** Send a rejected turn once more. */
  sendAgain(turnId: string): void {
    const turn = this.#store.getState().log.turns.find(({ id }) => id === turnId);
    if (turn?.status !== "rejected") return;
    this.#changeLog((log) => sendAgain(log, turnId));
    this.#start(turnId, turn.text);
  }

  /** Give a rejected turn's text back to be changed. */
  edit(turnId: string): void {
    this.#changeLog((log) => putBack(log, turnId));
  }

  /**
   * Run operations without a model: a click on the board, or Undo.
   *
   * @returns the id under which `operations` in the store tells what becomes of it
   */
  run(operations: readonly Operation[], options?: RunOptions): string {
    return this.#runs.run(operations, options);
  }

  /** Point at a row, by its id; null at none. */
  point(id: string | null): void {
    this.#store.setState({ pointed: id });
  }

  /** Show one of the panels where there is room for one. */
  look(view: View): void {
    this.#store.setState({ view });
  }

  /** Bring a row or a turn into sight, whichever panel it is in. */
  reveal({ kind, id }: Revealed): void {
    this.#store.setState({ view: kind === "row" ? "board" : "chat", revealed: { kind, id } });
  }

  dismissNotice(): void {
    this.#store.setState({ notice: null });
  }

  dismissSignIn(): void {
    this.#store.setState({ signInEnds: null });
  }

  #restore(): void {
    this.#store.setState({ draft: this.#kept.draft });
    for (const { id, text, status, problem } of this.#kept.turns) {
      this.#changeLog((log) => addTurn(log, id, text, { status, problem }));
      // Before the reload it may have been sent and stored.
      if (status !== "rejected") this.#start(id, text, { accepted: status === "accepted", doubtful: true });
    }
  }

  async #enter(session: string): Promise<void> {
    const entering = Symbol(session);
    this.#entering = entering;
    const isOurs = await this.#lock.claim(session);
    if (this.#entering !== entering) return;
    this.#entering = null;
    if (!isOurs) {
      // This tab is a copy of another one, which goes on with the session and with the turns that were kept.
      this.#connection.forget();
      for (const id of this.#restored) this.#connection.dropTurn(id);
      this.#changeLog((log) => withoutTurns(log, this.#restored));
    }
    this.#connection.connect();
  }

  #start(turnId: string, text: string, known?: Parameters<AgentConnection["startTurn"]>[2]): void {
    if (this.#connection.startTurn(turnId, text, known)) return;
    this.#changeLog((log) => rejectTurn(log, turnId, TOO_MANY));
  }

  #changeLog(to: (log: TurnLog) => TurnLog): void {
    this.#store.setState(({ log }) => ({ log: to(log) }));
  }

  #connectionMoved(connection: ConnectionState): void {
    const { connection: before, path } = this.#store.getState();
    const isSame = connection.name === "connected" && before.name === "connected" && connection.attempt === before.attempt;
    this.#store.setState({ connection, path: isSame ? path : null });
    this.line.moved(connection, before);
    if (connection.name === "failed") this.#expiry.set(null);
    if (before.name === "connected" && connection.name !== "connected") {
      clearTimeout(this.#stateTimer);
      this.#setBoard(abandonLoading(this.#store.getState().board));
    }
  }

  #take(message: FromGateway): void {
    const { board, log } = this.#store.getState();
    this.#runs.take(message);
    this.line.take(message);
    if (message.type === "session.current") {
      if (!message.complete) this.#store.setState({ notice: MISSED });
    } else if (message.type === "state.list") this.#setBoard(takeList(board, message));
    else if (message.type === "state.changed") this.#setBoard(applyEntry(board, message.entry));
    else if (message.type === "state.stale") this.#setBoard(passOver(board, message.revision));
    else if (message.type === "error" && message.ref !== null && message.ref === board.loading?.ref) {
      this.#store.setState({ notice: message });
      this.#setBoard(abandonLoading(board));
    } else {
      const taken = takeTurnMessage(log, message);
      if (taken !== log) this.#store.setState({ log: taken });
      else if (message.type === "error" && !log.turns.some(({ id }) => id === message.ref)) {
        this.#store.setState({ notice: message });
      }
    }
  }

  // A stale board asks again after a pause, so that a server that answers wrongly is not asked in a tight loop.
  #setBoard(board: Board): void {
    const before = this.#store.getState().board;
    if (board === before) return;
    this.#store.setState({ board });
    this.#runs.look();
    if (board.loading === null && !board.stale) clearTimeout(this.#stateTimer);
    if (board.stale && !before.stale && this.#store.getState().connection.name === "connected") {
      clearTimeout(this.#stateTimer);
      this.#stateTimer = setTimeout(() => this.#askForState(), STATE_PAUSE_MS);
    }
  }

  #askForState(): void {
    const ref = this.#connection.getState();
    if (ref === null) return;
    clearTimeout(this.#stateTimer);
    this.#store.setState(({ board }) => ({ board: beginLoading(board, ref) }));
    this.#stateTimer = setTimeout(() => this.#askForState(), STATE_ANSWER_MS);
  }
}
