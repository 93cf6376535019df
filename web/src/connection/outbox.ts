/** Turns without an end: kept under their ids, so that a new connection sends them again and the server knows them. */

import type { TurnStart } from "./protocol";

const TURNS_MAX = 32;

export type PendingTurn = Required<Pick<TurnStart, "turn_id" | "text" | "traceparent" | "sent_at">>;

export class Outbox {
  readonly #turns = new Map<string, PendingTurn>();

  /** False where TURNS_MAX turns are waiting already. */
  add(turn: PendingTurn): boolean {
    if (this.#turns.size >= TURNS_MAX && !this.#turns.has(turn.turn_id)) return false;
    this.#turns.set(turn.turn_id, turn);
    return true;
  }

  /** The turn has ended; one that is not known is ignored. */
  settle(turnId: string): void {
    this.#turns.delete(turnId);
  }

  has(turnId: string): boolean {
    return this.#turns.has(turnId);
  }

  /** In the order in which they were added. */
  waiting(): readonly PendingTurn[] {
    return [...this.#turns.values()];
  }
}
