/** Joins the connection to the store, and offers what a person can do. */

import type { Platform } from "../connection/attempt";
import { AgentConnection } from "../connection/client";
import { byteLength } from "../connection/frames";
import { uuid7 } from "../connection/ids";
import { REQUEST_MAX_BYTES, type FromGateway } from "../connection/protocol";
import type { ConnectionState, Reason } from "../connection/state";
import { abandonLoading, applyEntry, beginLoading, passOver, takeList, type Board } from "./board";
import type { AgentStore } from "./store";
import { addTurn, doubtTurn, putBack, rejectTurn, sendAgain, silenceTurn, takeTurnMessage, type TurnLog } from "./turns";

const STATE_ANSWER_MS = 10_000;
const STATE_PAUSE_MS = 2_000;
const UNANSWERED: Reason = { code: "timeout", detail: "The server did not answer in time." };
const TOO_MANY: Reason = {
  code: "limit",
  detail: "Too many requests are waiting for the server. Send it again when some have been answered.",
};

export interface SessionOptions {
  readonly platform: Platform;
  readonly timeZone: string;
  readonly chance: () => number;
}

/** How many bytes over the limit a request is; 0 where it fits. */
export function bytesOver(text: string): number {
  return Math.max(0, byteLength(text.trim()) - REQUEST_MAX_BYTES);
}

export class AgentSession {
  readonly #store: AgentStore;
  readonly #connection: AgentConnection;
  #stateTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: AgentStore, options: SessionOptions) {
    this.#store = store;
    this.#connection = new AgentConnection(options, {
      state: (connection) => this.#connectionMoved(connection),
      opened: (connectMs) => {
        this.#store.setState({ connectMs });
        this.#askForState();
      },
      message: (message) => this.#take(message),
      problem: (notice) => this.#store.setState({ notice }),
      unanswered: (turnId) => this.#changeLog((log) => doubtTurn(log, turnId, UNANSWERED)),
      silent: (turnId) => this.#changeLog((log) => silenceTurn(log, turnId)),
    });
  }

  connect(): void {
    this.#connection.connect();
  }

  /** The network is back: do not wait for the next attempt's time. */
  hurry(): void {
    this.#connection.hurry();
  }

  close(): void {
    this.#connection.close();
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

  dismissNotice(): void {
    this.#store.setState({ notice: null });
  }

  #start(turnId: string, text: string): void {
    if (this.#connection.startTurn(turnId, text)) return;
    this.#changeLog((log) => rejectTurn(log, turnId, TOO_MANY));
  }

  #changeLog(to: (log: TurnLog) => TurnLog): void {
    this.#store.setState(({ log }) => ({ log: to(log) }));
  }

  #connectionMoved(connection: ConnectionState): void {
    const before = this.#store.getState().connection.name;
    this.#store.setState({ connection });
    if (before === "connected" && connection.name !== "connected") {
      clearTimeout(this.#stateTimer);
      this.#setBoard(abandonLoading(this.#store.getState().board));
    }
  }

  #take(message: FromGateway): void {
    const { board, log } = this.#store.getState();
    if (message.type === "state.list") this.#setBoard(takeList(board, message));
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
