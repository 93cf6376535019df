/**
 * Operations without a model, kept until the server has said what became of them: asked for one at a time, in the order
 * in which they were clicked, and again under the same id after a lost connection or an error that may pass.
 *
 * The server knows an operation by its id, so asking twice never does a thing twice.
 */

import type { InferInput } from "valibot";

import { texts } from "../ui/texts";
import { lengthInPieces } from "./frames";
import { MESSAGE_IN_MAX_BYTES, type ErrorCode, type FromGateway, type RunOperationSchema } from "./protocol";
import type { Reason } from "./state";

export type Operation = InferInput<typeof RunOperationSchema>["operations"][number];

export interface PendingRun {
  readonly operation_id: string;
  readonly operations: readonly Operation[];
  /** Refused where the owner's state is newer; null: never refused for that. */
  readonly expected_revision: number | null;
  readonly traceparent: string;
}

export interface OperationEvents {
  /** False where the channel takes nothing. */
  send(run: PendingRun): boolean;
  /** What became of it is not known yet, and is being asked. */
  doubted(operationId: string, reason: Reason): void;
  /** It ended without a result. `doubtful`: it may have been done all the same. */
  failed(operationId: string, reason: Reason, doubtful: boolean): void;
}

const RUNS_MAX = 64;
const REST_BYTES = 1024; // of a message, beside its operations
const ANSWER_MS = 60_000; // the gateway answers within 55 s
const GIVE_UP_MS = 180_000;
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 10_000;
const UNKNOWN_MAX = 3; // so often is it asked again for what was answered with "unknown" or "internal"
const UNANSWERED: Reason = { code: "timeout", detail: texts.reasons.unanswered };
const GIVEN_UP: Reason = { code: "timeout", detail: texts.reasons.changeGivenUp };
const NEVER_SENT: Reason = { code: "unavailable", detail: texts.reasons.changeNeverSent };
const TOO_MANY: Reason = { code: "limit", detail: texts.reasons.tooManyChanges };
const TOO_LARGE: Reason = { code: "too_large", detail: texts.reasons.tooLargeChange };
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(["timeout", "rate", "overloaded", "unavailable", "fenced", "internal"]);
const NOT_BEGUN: ReadonlySet<ErrorCode> = new Set(["rate", "overloaded"]); // said before anything was done

interface Entry {
  run: PendingRun;
  /** Sent once without a word of what became of it: no later refusal says that nothing was done. */
  doubtful: boolean;
  tries: number; // in a row without an answer that counts
  unknowns: number; // answers that did not say what became of it
  readonly giveUp: ReturnType<typeof setTimeout>;
}

export class OperationQueue {
  readonly #events: OperationEvents;
  readonly #entries = new Map<string, Entry>(); // in the order in which they were added; the first one is asked
  #online = false;
  #asked: string | null = null;
  #step: ReturnType<typeof setTimeout> | undefined; // the end of the wait for an answer, or before asking again

  constructor(events: OperationEvents) {
    this.#events = events;
  }

  /** Keep a run and ask for it when its turn comes. What cannot be kept fails at once. */
  add(run: PendingRun): void {
    const id = run.operation_id;
    if (this.#entries.has(id)) return;
    const isTooLarge = lengthInPieces(run.operations) > MESSAGE_IN_MAX_BYTES - REST_BYTES;
    if (isTooLarge || this.#entries.size >= RUNS_MAX) {
      this.#events.failed(id, isTooLarge ? TOO_LARGE : TOO_MANY, false);
      return;
    }
    const giveUp = setTimeout(() => this.#giveUp(id), GIVE_UP_MS);
    this.#entries.set(id, { run, doubtful: false, tries: 0, unknowns: 0, giveUp });
    this.#pump();
  }

  /** Keep none of the runs; whoever clicked them is not here any more. */
  clear(reason: Reason): void {
    clearTimeout(this.#step);
    const left = [...this.#entries];
    for (const [, { giveUp }] of left) clearTimeout(giveUp);
    this.#entries.clear();
    this.#asked = null;
    for (const [id, entry] of left) this.#events.failed(id, reason, entry.doubtful);
  }

  opened(): void {
    this.#online = true;
    this.#pump();
  }

  /** The channel is gone, and with it the answer to what was asked. */
  closed(): void {
    this.#online = false;
    clearTimeout(this.#step);
    const entry = this.#entries.get(this.#asked ?? "");
    if (entry !== undefined) entry.doubtful = true;
    this.#asked = null;
  }

  /** What a message says of a run; others are ignored. @returns whether it is no news for anybody else */
  take(message: FromGateway): boolean {
    if (message.type === "op.completed") return this.#completed(message.ref, message.result.outcome === "unknown");
    if (message.type !== "error" || message.ref === null) return false;
    const entry = this.#entries.get(message.ref);
    if (entry === undefined) return false;
    const isInternal = message.code === "internal";
    if (RETRYABLE.has(message.code) && !(isInternal && entry.unknowns >= UNKNOWN_MAX)) {
      entry.unknowns += isInternal ? 1 : 0;
      this.#again(message.ref, entry, message);
    } else {
      this.#settle(message.ref);
      this.#events.failed(message.ref, message, entry.doubtful || isInternal);
    }
    return true;
  }

  #completed(id: string, isUnknown: boolean): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    if (!isUnknown || entry.unknowns >= UNKNOWN_MAX) {
      this.#settle(id);
      return false;
    }
    entry.unknowns += 1;
    this.#again(id, entry, UNANSWERED);
    return true;
  }

  // What may have been done is asked for again; a word about a run whose turn has not come changes nothing.
  #again(id: string, entry: Entry, reason: Reason): void {
    if (this.#asked !== id) return;
    clearTimeout(this.#step);
    entry.doubtful ||= !NOT_BEGUN.has(reason.code);
    this.#step = setTimeout(() => this.#ask(id), Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** entry.tries));
    entry.tries += 1;
    this.#events.doubted(id, reason);
  }

  #giveUp(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    const isDoubtful = entry.doubtful || this.#asked === id;
    this.#settle(id);
    this.#events.failed(id, isDoubtful ? GIVEN_UP : NEVER_SENT, isDoubtful);
  }

  #settle(id: string): void {
    clearTimeout(this.#entries.get(id)?.giveUp);
    this.#entries.delete(id);
    if (this.#asked !== id) return;
    clearTimeout(this.#step);
    this.#asked = null;
    this.#pump();
  }

  #pump(): void {
    const [first] = this.#entries.keys();
    if (this.#online && this.#asked === null && first !== undefined) this.#ask(first);
  }

  // Sending can close the channel, and so this queue, before it returns.
  #ask(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || !this.#online) return;
    this.#asked = id;
    this.#step = setTimeout(() => this.#again(id, entry, UNANSWERED), ANSWER_MS);
    if (this.#events.send(entry.run) || this.#asked !== id) return;
    clearTimeout(this.#step);
    this.#asked = null;
  }
}
