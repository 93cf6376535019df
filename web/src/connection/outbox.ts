/**
 * Turns without an end, kept under their ids: asked again until the server has answered, and after each reconnect.
 *
 * The server knows a turn by its id, so asking twice never does a thing twice.
 */

import type { ErrorCode, FromGateway, TurnStart } from "./protocol";

const TURNS_MAX = 32;
const WINDOW = 8; // the gateway serves 16 requests of a page at once, and refuses the rest
const ANSWER_MS = 15_000;
const RETRY_FIRST_MS = 1_000; // where the server names no time
const RETRY_LEAST_MS = 250;
const RETRY_MAX_MS = 30_000;
const SILENCE_MS = 180_000;
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(["timeout", "rate", "overloaded", "unavailable"]);

export type PendingTurn = Required<Pick<TurnStart, "turn_id" | "text" | "traceparent" | "sent_at">>;

export interface OutboxEvents {
  /** False where the channel takes nothing. */
  send(turn: PendingTurn): boolean;
  /** A turn got no answer in time; it will be asked again. */
  unanswered(turnId: string): void;
  /** Nothing came of an accepted turn for SILENCE_MS; it is not kept any more. */
  silent(turnId: string): void;
}

interface Entry {
  readonly turn: PendingTurn;
  /** `asked` and `pausing` fill the window; `held` waits for the turn's end. */
  state: "waiting" | "asked" | "pausing" | "held";
  accepted: boolean;
  refusals: number; // in a row
  step: ReturnType<typeof setTimeout> | undefined; // the end of `asked` or `pausing`
  silence: ReturnType<typeof setTimeout> | undefined;
}

/** Whether a refusal with this code leaves the turn to be asked again by itself. */
export function isRetryable(code: ErrorCode): boolean {
  return RETRYABLE.has(code);
}

export class Outbox {
  readonly #events: OutboxEvents;
  readonly #entries = new Map<string, Entry>(); // in the order in which they were added
  #online = false;

  constructor(events: OutboxEvents) {
    this.#events = events;
  }

  /**
   * Keep a turn and send it when its time comes.
   *
   * @param accepted whether the server has said already that it is stored
   * @returns false where TURNS_MAX turns are waiting already
   */
  add(turn: PendingTurn, accepted = false): boolean {
    if (this.#entries.has(turn.turn_id)) return true;
    if (this.#entries.size >= TURNS_MAX) return false;
    const entry: Entry = { turn, state: "waiting", accepted, refusals: 0, step: undefined, silence: undefined };
    this.#entries.set(turn.turn_id, entry);
    this.#pump();
    return true;
  }

  /** Keep a turn no longer. */
  drop(turnId: string): void {
    this.#settle(turnId);
  }

  /** Keep none of the turns. */
  clear(): void {
    for (const entry of this.#entries.values()) stop(entry);
    this.#entries.clear();
  }

  /** The channel is open: ask for everything again, a window at a time. */
  opened(): void {
    this.#online = true;
    for (const entry of this.#entries.values()) if (entry.accepted) this.#listen(entry);
    this.#pump();
  }

  /** The channel is gone. Nothing can be heard now, so silence means nothing either. */
  closed(): void {
    this.#online = false;
    for (const entry of this.#entries.values()) {
      stop(entry);
      entry.state = "waiting";
      entry.refusals = 0;
    }
  }

  /** What a message says of a turn; others are ignored. */
  take(message: FromGateway): void {
    switch (message.type) {
      case "turn.accepted":
        this.#accepted(message.turn_id);
        return;
      case "turn.phase":
      case "turn.delta":
        this.#heard(message.turn_id);
        return;
      case "turn.completed":
        this.#settle(message.turn.turn_id);
        return;
      case "turn.rejected":
        this.#rejected(message.turn_id ?? message.ref ?? "", message.code, message.retry_after_ms);
        return;
      case "error":
        // It does not say that nothing was stored: the turn is asked for again.
        if (message.ref !== null) this.#refused(message.ref, null);
        return;
      default:
    }
  }

  #accepted(turnId: string): void {
    const entry = this.#entries.get(turnId);
    if (entry === undefined) return;
    entry.accepted = true;
    entry.refusals = 0;
    this.#hold(entry);
    this.#listen(entry);
  }

  #heard(turnId: string): void {
    const entry = this.#entries.get(turnId);
    if (entry?.accepted === true) this.#listen(entry);
  }

  #settle(turnId: string): void {
    const entry = this.#entries.get(turnId);
    if (entry === undefined) return;
    stop(entry);
    this.#entries.delete(turnId);
    this.#pump();
  }

  #rejected(turnId: string, code: ErrorCode, retryAfterMs: number | null): void {
    const entry = this.#entries.get(turnId);
    if (entry === undefined) return;
    if (isRetryable(code)) this.#refused(turnId, retryAfterMs);
    else if (entry.accepted) this.#hold(entry);
    else this.#settle(turnId);
  }

  // Only what was asked can be refused: a late word about a turn that is held or waits already changes nothing.
  #refused(turnId: string, retryAfterMs: number | null): void {
    const entry = this.#entries.get(turnId);
    if (entry?.state !== "asked") return;
    clearTimeout(entry.step);
    const firstMs = Math.max(RETRY_LEAST_MS, retryAfterMs ?? RETRY_FIRST_MS);
    const delayMs = Math.min(RETRY_MAX_MS, firstMs * 2 ** entry.refusals);
    entry.refusals += 1;
    entry.state = "pausing";
    entry.step = setTimeout(() => this.#ask(entry), delayMs);
  }

  #hold(entry: Entry): void {
    clearTimeout(entry.step);
    entry.state = "held";
    this.#pump();
  }

  #listen(entry: Entry): void {
    clearTimeout(entry.silence);
    if (!this.#online) return;
    entry.silence = setTimeout(() => {
      this.#settle(entry.turn.turn_id);
      this.#events.silent(entry.turn.turn_id);
    }, SILENCE_MS);
  }

  #pump(): void {
    const entries = [...this.#entries.values()];
    let room = WINDOW - entries.filter(({ state }) => state === "asked" || state === "pausing").length;
    for (const entry of entries) {
      if (!this.#online || room <= 0) return;
      if (entry.state !== "waiting") continue;
      this.#ask(entry);
      room -= 1;
    }
  }

  // Sending can close the channel, and so this outbox, before it returns.
  #ask(entry: Entry): void {
    entry.state = "waiting";
    if (!this.#online || !this.#events.send(entry.turn)) return;
    entry.state = "asked";
    entry.step = setTimeout(() => {
      this.#refused(entry.turn.turn_id, null);
      this.#events.unanswered(entry.turn.turn_id);
    }, ANSWER_MS);
  }
}

function stop(entry: Entry): void {
  clearTimeout(entry.step);
  clearTimeout(entry.silence);
}
