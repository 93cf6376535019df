/**
 * Turns that are to be stopped: each is asked for once a channel, and again after an error that may pass, until the turn has
 * ended, was refused, or is not waited for any more.
 *
 * A cancel that went well is not answered: the turn's own end tells. One that comes before its turn is stored counts as well.
 */

import { uuid7 } from "./ids";
import { isRetryable } from "./outbox";
import type { FromGateway } from "./protocol";
import type { Reason } from "./state";

const AGAIN_FIRST_MS = 1_000;
const AGAIN_MAX_MS = 30_000;

export interface CancelEvents {
  /** False where the channel takes nothing. */
  send(id: string, turnId: string): boolean;
  /** The server does not stop this turn, for good. */
  refused(turnId: string, reason: Reason): void;
}

interface Entry {
  readonly turnId: string;
  /** The id of the message that asked last. */
  ref: string | null;
  refusals: number; // in a row
  again: ReturnType<typeof setTimeout> | undefined;
}

export class Cancels {
  readonly #events: CancelEvents;
  readonly #entries = new Map<string, Entry>();
  #online = false;

  constructor(events: CancelEvents) {
    this.#events = events;
  }

  /** Stop this turn, from now on. Where that is asked already, nothing happens. */
  add(turnId: string): void {
    if (this.#entries.has(turnId)) return;
    const entry: Entry = { turnId, ref: null, refusals: 0, again: undefined };
    this.#entries.set(turnId, entry);
    this.#ask(entry);
  }

  /** The turn has ended, was refused, or is another page's. */
  drop(turnId: string): void {
    clearTimeout(this.#entries.get(turnId)?.again);
    this.#entries.delete(turnId);
  }

  clear(): void {
    for (const turnId of this.#entries.keys()) this.drop(turnId);
  }

  opened(): void {
    this.#online = true;
    for (const entry of this.#entries.values()) this.#ask(entry);
  }

  closed(): void {
    this.#online = false;
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.again);
      entry.refusals = 0;
    }
  }

  /** @returns whether the message was the answer to a cancel, and so is no news for anybody else */
  take(message: FromGateway): boolean {
    if (message.type === "turn.completed") this.drop(message.turn.turn_id);
    if (message.type !== "error" || message.ref === null) return false;
    const entry = [...this.#entries.values()].find(({ ref }) => ref === message.ref);
    if (entry === undefined) return false;
    if (isRetryable(message.code) || message.code === "internal") this.#askLater(entry);
    else {
      this.drop(entry.turnId);
      this.#events.refused(entry.turnId, message);
    }
    return true;
  }

  #askLater(entry: Entry): void {
    clearTimeout(entry.again);
    entry.ref = null;
    entry.again = setTimeout(() => this.#ask(entry), Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** entry.refusals));
    entry.refusals += 1;
  }

  // Sending can close the channel before it returns.
  #ask(entry: Entry): void {
    if (!this.#online) return;
    entry.ref = uuid7();
    this.#events.send(entry.ref, entry.turnId);
  }
}
