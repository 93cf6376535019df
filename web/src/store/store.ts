/** What the page knows, in one place. The connection writes it outside of React; components read it. */

import { createStore, type StoreApi } from "zustand/vanilla";

import type { Path } from "../connection/path";
import { IDLE, type ConnectionState, type Reason } from "../connection/state";
import { EMPTY_BOARD, type Board } from "./board";
import { NO_HISTORY, type History } from "./history";
import { NO_LINE, type LineState } from "./line";
import { NO_OPERATIONS, type Operations } from "./operations";
import { AS_IT_COMES, type Preferences } from "./preferences";
import { NO_TURNS, type TurnLog } from "./turns";

/** Which of the two panels a narrow screen shows. */
export type View = "chat" | "board";

/** What is to be looked at: a list or to-do on the board, or a turn in the chat. A new object each time it is asked for. */
export interface Revealed {
  readonly kind: "row" | "turn";
  readonly id: string;
}

export interface AgentState extends LineState {
  readonly connection: ConnectionState;
  readonly log: TurnLog;
  /** What the server has told of this session's earlier turns. */
  readonly history: History;
  readonly board: Board;
  /** How often somebody else has signed in: what is written on the board is the one's before. */
  readonly owners: number;
  /** What was asked for without a model, by its id: clicks on the board, and Undo. */
  readonly operations: Operations;
  /** What was written and not sent before a reload. */
  readonly draft: string;
  /** A problem that concerns no turn. */
  readonly notice: Reason | null;
  /** From the making of the peer connection to the open channel, the last time. */
  readonly connectMs: number | null;
  /** The way that the open channel takes; null where it is not known. */
  readonly path: Path | null;
  /** The minutes after which the sign-in ends, when they are few and the person has not put the notice away. */
  readonly signInEnds: number | null;
  readonly preferences: Preferences;
  /** The list or to-do that is pointed at, on the board or in a receipt: both mark it. */
  readonly pointed: string | null;
  readonly view: View;
  /** What was asked for last; whoever shows it brings it into sight, and the focus to it. */
  readonly revealed: Revealed | null;
}

export type AgentStore = StoreApi<AgentState>;

export function createAgentStore(): AgentStore {
  return createStore(() => ({
    connection: IDLE,
    log: NO_TURNS,
    history: NO_HISTORY,
    board: EMPTY_BOARD,
    owners: 0,
    operations: NO_OPERATIONS,
    draft: "",
    notice: null,
    connectMs: null,
    path: null,
    signInEnds: null,
    ...NO_LINE,
    preferences: AS_IT_COMES,
    pointed: null,
    view: "chat",
    revealed: null,
  }));
}
