/** Joins the connection to the store, and offers what a person can do. */

import type { Platform } from "../connection/attempt";
import { AgentConnection } from "../connection/client";
import type { Operation } from "../connection/operations";
import type { FromGateway } from "../connection/protocol";
import { SessionLock } from "../connection/session_lock";
import { refusalOf, type ConnectionState, type Reason } from "../connection/state";
import { texts } from "../ui/texts";
import { abandonLoading, applyEntry, beginLoading, EMPTY_BOARD, passOver, takeList, type Board } from "./board";
import { Conversation } from "./conversation";
import { Expiry } from "./expiry";
import { isToken, Kept } from "./kept";
import { Line } from "./line";
import { Runs, type RunOptions } from "./runs";
import type { AgentStore, Revealed, View } from "./store";

const STATE_ANSWER_MS = 10_000;
const STATE_PAUSE_MS = 2_000;
const MISSED: Reason = { code: "limit", detail: texts.reasons.missed };
const NO_TOKEN: Reason = { code: "unauthorised", detail: texts.reasons.noSignIn };

export interface SessionOptions {
  readonly platform: Platform;
  readonly timeZone: string;
  readonly chance: () => number;
  /** What an earlier load of this page has left; nothing by default. */
  readonly kept?: Kept;
  readonly lock?: SessionLock;
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
  readonly #conversation: Conversation;
  #stateTimer: ReturnType<typeof setTimeout> | undefined;
  #entering: symbol | null = null;

  constructor(store: AgentStore, { kept = new Kept(null), lock = new SessionLock(null), ...options }: SessionOptions) {
    this.#store = store;
    this.#kept = kept;
    this.#lock = lock;
    this.#expiry = new Expiry((signInEnds) => store.setState({ signInEnds }));
    this.#runs = new Runs(store, (id, operations, revision) => this.#connection.runOperations(id, operations, revision));
    this.#conversation = new Conversation(store, () => this.#connection, kept);
    this.#connection = new AgentConnection(
      { ...options, resume: kept.resume, token: kept.token, relayOnly: kept.relayOnly },
      {
        state: (connection) => this.#connectionMoved(connection),
        resume: (resume) => {
          kept.resume = resume;
          void lock.claim(resume.session);
        },
        ownerChanged: () => {
          this.#conversation.disown();
          this.#runs.disown();
          this.#setBoard(EMPTY_BOARD);
          store.setState(({ owners }) => ({ owners: owners + 1 }));
        },
        opened: (connectMs, entered) => {
          store.setState({ connectMs });
          this.line.entered(entered);
          this.#askForState();
          this.#conversation.opened();
        },
        path: (path) => store.setState({ path }),
        message: (message) => this.#take(message),
        problem: (notice) => store.setState({ notice }),
        sent: (turnId) => this.#conversation.sent(turnId),
        notStopped: (turnId, reason) => this.#conversation.notStopped(turnId, reason),
        doubted: (turnId, reason) => this.#conversation.doubted(turnId, reason),
        silent: (turnId) => this.#conversation.silent(turnId),
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
    store.setState({ draft: kept.draft });
    this.#conversation.restore();
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

  /** Send a request, or queue it behind one that is under way. @returns false where it is empty or too long */
  send(text: string): boolean {
    return this.#conversation.send(text);
  }

  /** Try a turn again that was not taken, not answered, or did not work out. */
  sendAgain(turnId: string): void {
    this.#conversation.sendAgain(turnId);
  }

  /** Give a turn's text back to be changed; one that is queued is taken out. */
  edit(turnId: string): void {
    this.#conversation.edit(turnId);
  }

  /** Put a text into the composer, to be looked at before it is sent. */
  write(text: string): void {
    this.#conversation.write(text);
  }

  /** Take a queued turn out. */
  takeOut(turnId: string): void {
    this.#conversation.takeOut(turnId);
  }

  /** Let queued turns go on that are held. */
  goOn(): void {
    this.#conversation.goOn();
  }

  /** Stop what is under way. */
  stop(): void {
    this.#conversation.stop();
  }

  /** Show older turns of this session, or try again where that went wrong. */
  earlier(): void {
    this.#conversation.earlier();
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

  async #enter(session: string): Promise<void> {
    const entering = Symbol(session);
    this.#entering = entering;
    const isOurs = await this.#lock.claim(session);
    if (this.#entering !== entering) return;
    this.#entering = null;
    if (!isOurs) {
      this.#connection.forget();
      this.#conversation.leaveToOther();
    }
    this.#connection.connect();
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
      this.#conversation.closed();
    }
  }

  #take(message: FromGateway): void {
    const { board } = this.#store.getState();
    this.#runs.take(message);
    this.line.take(message);
    if (message.type === "session.current") {
      if (!message.complete && !this.#conversation.catchUp()) this.#store.setState({ notice: MISSED });
    } else if (message.type === "state.list") this.#setBoard(takeList(board, message));
    else if (message.type === "state.changed") this.#setBoard(applyEntry(board, message.entry));
    else if (message.type === "state.stale") this.#setBoard(passOver(board, message.revision));
    else if (message.type === "error" && message.ref !== null && message.ref === board.loading?.ref) {
      this.#store.setState({ notice: message });
      this.#setBoard(abandonLoading(board));
    } else if (!this.#conversation.take(message) && message.type === "error") this.#store.setState({ notice: message });
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
