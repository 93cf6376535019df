/** What the page knows, in one place. The connection writes it outside of React; components read it. */

import { createStore, type StoreApi } from "zustand/vanilla";

import { IDLE, type ConnectionState, type Reason } from "../connection/state";
import { EMPTY_BOARD, type Board } from "./board";
import { NO_TURNS, type TurnLog } from "./turns";

export interface AgentState {
  readonly connection: ConnectionState;
  readonly log: TurnLog;
  readonly board: Board;
  /** A problem that concerns no turn. */
  readonly notice: Reason | null;
  /** From the making of the peer connection to the open channel, the last time. */
  readonly connectMs: number | null;
}

export type AgentStore = StoreApi<AgentState>;

export function createAgentStore(): AgentStore {
  return createStore(() => ({
    connection: IDLE,
    log: NO_TURNS,
    board: EMPTY_BOARD,
    notice: null,
    connectMs: null,
  }));
}
