/**
 * Turns without an end, kept under their ids: asked again until the server has answered, and after each reconnect.
 *
 * The server knows a turn by its id, so asking twice never does a thing twice.
 */

import { texts } from "../ui/texts";
import type { ErrorCode, FromGateway, TurnRejected, TurnStart } from "./protocol";
import type { Reason } from "./state";

const TURNS_MAX = 32;
const WINDOW = 8; // the gateway serves 16 requests of a page at once, and refuses the rest
const ANSWER_MS = 15_000;
const RETRY_FIRST_MS = 1_000; // where the server names no time
const RETRY_LEAST_MS = 250;
const RETRY_MAX_MS = 30_000;
const SILENCE_MS = 180_000;
const UNANSWERED: Reason = { code: "timeout", detail: texts.reasons.unanswered };
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(["timeout", "rate", "overloaded", "unavailable"]);

export type PendingTurn = Required<Pick<TurnStart, "turn_id" | "text" | "traceparent" | "sent_at">>;

export interface OutboxEvents {
  /** False where the channel takes nothing. */
  send(turn: PendingTurn): boolean;
  /** The channel has taken the turn: from now on it may be stored. */
  sent(turnId: string): void;
  /** Whether a turn is stored is not known: it will be asked again, or its outcome is waited for. */
  doubted(turnId: string, reason: Reason): void;
  /** A turn was not stored; it is not kept any more. */
  refused(turnId: string): void;
  /** Nothing came of a turn that is, or may be, stored for SILENCE_MS; it is not kept any more. */
  silent(turnId: string): void;
}

interface Entry {
  readonly turn: PendingTurn;
  /** `asked` and `pausing` fill the window; `held` waits for the turn's end. */
  state: "waiting" | "asked" | "pausing" | "held";
  accepted: boolean;
  /** Sent once without a word of whether it was stored: no later refusal says that it was not. */
  doubtful: boolean;
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
   * @param known what earlier sending has shown: whether the server has said that it is stored, whether it may be
   * @returns false where TURNS_MAX turns are waiting already
   */
  add(turn: PendingTurn, { accepted = false, doubtful = false }: Partial<Pick<Entry, "accepted" | "doubtful">> = {}): boolean {
    if (this.#entries.has(turn.turn_id)) return true;
    if (this.#entries.size >= TURNS_MAX) return false;
    const entry: Entry = { turn, state: "waiting", accepted, doubtful, refusals: 0, step: undefined, silence: undefined };
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
      if (entry.state === "asked") entry.doubtful = true;
      entry.state = "waiting";
      entry.refusals = 0;
    }
  }

  /** What a message says of a turn; others are ignored. @returns whether it is no news for anybody else */
  take(message: FromGateway): boolean {
    switch (message.type) {
      case "turn.accepted":
        this.#accepted(message.turn_id);
        return false;
      case "turn.phase":
      case "turn.delta":
        this.#heard(message.turn_id);
        return false;
      case "turn.completed":
        this.#settle(message.turn.turn_id);
        return false;
      case "turn.rejected":
        return this.#rejected(message.turn_id ?? message.ref ?? "", message);
      case "error":
        // It does not say that nothing was stored: the turn is asked for again.
        if (message.ref !== null) this.#unanswered(message.ref);
        return false;
      default:
        return false;
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
    if (entry?.accepted === true || entry?.state === "held") this.#listen(entry);
  }

  #settle(turnId: string): void {
    const entry = this.#entries.get(turnId);
    if (entry === undefined) return;
    stop(entry);
    this.#entries.delete(turnId);
    this.#pump();
  }

  #rejected(turnId: string, rejected: TurnRejected): boolean {
    const entry = this.#entries.get(turnId);
    if (entry === undefined) return false;
    if (isRetryable(rejected.code)) this.#refused(turnId, rejected.retry_after_ms);
    else if (entry.accepted) this.#hold(entry);
    else if (entry.doubtful) {
      this.#hold(entry);
      this.#listen(entry);
      this.#events.doubted(turnId, rejected);
      return true;
    } else {
      this.#settle(turnId);
      this.#events.refused(turnId);
    }
    return false;
  }

  #unanswered(turnId: string): void {
    const entry = this.#entries.get(turnId);
    if (entry?.state === "asked") entry.doubtful = true;
    this.#refused(turnId, null);
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
      this.#unanswered(entry.turn.turn_id);
      this.#events.doubted(entry.turn.turn_id, UNANSWERED);
    }, ANSWER_MS);
    this.#events.sent(entry.turn.turn_id);
  }
}

function stop(entry: Entry): void {
  clearTimeout(entry.step);
  clearTimeout(entry.silence);
}
