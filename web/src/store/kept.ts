/**
 * What outlives a reload, in the tab's own storage: the session, unanswered turns, the draft, the token.
 *
 * A storage that is absent or full keeps nothing, one that holds garbage gives nothing, and neither is an error.
 */

import * as v from "valibot";

import { ErrorCodeSchema, TokenRenewSchema, TurnStartSchema } from "../connection/protocol";
import { ResumeSchema, type Resume } from "../connection/resume";
import type { Turn, TurnLog } from "./turns";

const TURNS_MAX = 64; // the outbox and the queue hold fewer, so there is room for all that are not rejected
const TEXT_MAX_CHARS = 8_192; // at most this many bytes can be sent
const DRAFT_MAX_CHARS = 65_536;
const NAMES = { resume: "session", turns: "turns", draft: "draft", token: "token", relayOnly: "relay-only" } as const;

const KeptTurnSchema = v.object({
  id: TurnStartSchema.entries.turn_id,
  text: v.pipe(v.string(), v.maxLength(TEXT_MAX_CHARS)),
  status: v.picklist(["queued", "held", "stopped", "sending", "accepted", "rejected"]),
  stopping: v.optional(v.boolean(), false),
  problem: v.nullable(v.object({ code: ErrorCodeSchema, detail: v.string() })),
});
export type KeptTurn = v.InferOutput<typeof KeptTurnSchema>;
const KeptTurnsSchema = v.array(v.fallback(v.nullable(KeptTurnSchema), null));
const DraftSchema = v.pipe(v.string(), v.maxLength(DRAFT_MAX_CHARS));

/** Whether this may be a token; what it says is the server's business. */
export function isToken(value: string | null): value is string {
  return value !== null && value !== "" && v.is(TokenRenewSchema.entries.token, value);
}

export class Kept {
  readonly #storage: Storage | null;
  #turns = ""; // as written last

  constructor(storage: Storage | null) {
    this.#storage = storage;
  }

  get resume(): Resume | null {
    return this.#read(NAMES.resume, ResumeSchema);
  }

  set resume(resume: Resume | null) {
    this.#write(NAMES.resume, resume);
  }

  /** Turns whose outcome has not been heard, and rejected ones, the oldest first. */
  get turns(): readonly KeptTurn[] {
    const turns = this.#read(NAMES.turns, KeptTurnsSchema) ?? [];
    return turns.filter((turn) => turn !== null).slice(0, TURNS_MAX);
  }

  /** Keep what of a log is not answered: of too many, the oldest rejected ones make room. */
  keepTurns(log: TurnLog): void {
    const all = log.turns.flatMap(keptTurn);
    const rejected = all.filter(({ status }) => status === "rejected");
    const dropped = new Set(rejected.slice(0, Math.max(0, all.length - TURNS_MAX)));
    const turns = all.filter((turn) => !dropped.has(turn));
    const json = JSON.stringify(turns);
    if (json === this.#turns) return;
    this.#turns = json;
    this.#write(NAMES.turns, turns);
  }

  get draft(): string {
    return this.#read(NAMES.draft, DraftSchema) ?? "";
  }

  set draft(text: string) {
    this.#write(NAMES.draft, text.slice(0, DRAFT_MAX_CHARS));
  }

  get token(): string | null {
    const token = this.#read(NAMES.token, v.string());
    return isToken(token) ? token : null;
  }

  set token(token: string) {
    this.#write(NAMES.token, token);
  }

  get relayOnly(): boolean {
    return this.#read(NAMES.relayOnly, v.boolean()) ?? false;
  }

  set relayOnly(relayOnly: boolean) {
    this.#write(NAMES.relayOnly, relayOnly);
  }

  #read<Schema extends v.GenericSchema>(name: string, schema: Schema): v.InferOutput<Schema> | null {
    try {
      const checked = v.safeParse(schema, JSON.parse(this.#storage?.getItem(keyOf(name)) ?? "null"));
      return checked.success ? checked.output : null;
    } catch {
      return null; // not JSON, or a storage that may not be read
    }
  }

  #write(name: string, value: unknown): void {
    try {
      this.#storage?.setItem(keyOf(name), JSON.stringify(value));
    } catch {
      // Full, or not allowed: this page works on, and only a reload will miss it.
    }
  }
}

function keyOf(name: string): string {
  return `todo-agent.${name}`;
}

function keptTurn({ id, text, status, stopping, problem }: Turn): readonly KeptTurn[] {
  if (status === "completed" || status === "silent") return [];
  return [{ id, text, status, stopping, problem: problem && { code: problem.code, detail: problem.detail } }];
}
