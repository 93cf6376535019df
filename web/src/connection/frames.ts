/**
 * How a message becomes frames of the data channel, and frames become messages again: the rules of contracts/frames.py.
 *
 * A message whose JSON fits into FRAME_MAX_BYTES is one frame. A longer one is escaped to ASCII and cut into pieces
 * `{id, part, last, data}`. So a frame with `type` is a message and one with `part` is a piece.
 */

import * as v from "valibot";

import { FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES, OPEN_MESSAGES_MAX, PIECE_CHARS, type ErrorCode } from "./protocol";

export type JsonObject = Readonly<Record<string, unknown>>;

/** A message or a frame that cannot be used. */
export class FrameError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, detail: string) {
    super(detail);
    this.name = "FrameError";
    this.code = code;
  }
}

const PieceSchema = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
  part: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10_000)),
  last: v.boolean(),
  data: v.pipe(v.string(), v.maxLength(FRAME_MAX_BYTES)),
});

const utf8 = new TextEncoder();

/** Bytes of `text` in UTF-8. */
export function byteLength(text: string): number {
  return utf8.encode(text).length;
}

// Cutting between the halves of a surrogate pair would leave two pieces that are no valid UTF-8.
function asciiOnly(json: string): string {
  return json.replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The most that `split` makes of a value's JSON, in bytes: in pieces, every character beyond ASCII takes six of them. */
export function lengthInPieces(value: unknown): number {
  return asciiOnly(JSON.stringify(value)).length;
}

/**
 * Cut one message into frames of at most FRAME_MAX_BYTES.
 *
 * @param messageId differs between messages whose pieces can be under way at the same time
 * @throws FrameError `too_large` beyond MESSAGE_IN_MAX_BYTES, which the gateway would refuse
 */
export function split(message: object, messageId: string): string[] {
  const json = JSON.stringify(message);
  if (byteLength(json) <= FRAME_MAX_BYTES) return [json];
  const text = asciiOnly(json);
  if (text.length > MESSAGE_IN_MAX_BYTES) {
    throw new FrameError("too_large", `is a message of ${text.length} bytes; at most ${MESSAGE_IN_MAX_BYTES} are allowed`);
  }
  const count = Math.ceil(text.length / PIECE_CHARS);
  return Array.from({ length: count }, (_, part) =>
    JSON.stringify({
      id: messageId,
      part,
      last: part === count - 1,
      data: text.slice(part * PIECE_CHARS, (part + 1) * PIECE_CHARS),
    }),
  );
}

function parsedObject(json: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new FrameError("invalid", `is not valid JSON: ${error instanceof Error ? error.name : "error"}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new FrameError("invalid", "is not a JSON object");
  }
  return { ...parsed };
}

/** Puts frames together again. Bounded: `limit` characters a message, OPEN_MESSAGES_MAX messages at once. */
export class Assembler {
  readonly #limit: number;
  readonly #open = new Map<string, { parts: string[]; size: number }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Take one frame; return a whole message, or null while pieces are missing. Throws FrameError. */
  feed(frame: unknown): JsonObject | null {
    if (typeof frame !== "string") throw new FrameError("invalid", "is a binary frame");
    const size = byteLength(frame);
    if (size > FRAME_MAX_BYTES) {
      throw new FrameError("too_large", `is a frame of ${size} bytes; at most ${FRAME_MAX_BYTES} are allowed`);
    }
    const parsed = parsedObject(frame);
    return "part" in parsed && !("type" in parsed) ? this.#piece(parsed) : parsed;
  }

  #piece(parsed: JsonObject): JsonObject | null {
    const checked = v.safeParse(PieceSchema, parsed);
    if (!checked.success) throw new FrameError("invalid", "is not a well-formed piece of a message");
    const { id, part, last, data } = checked.output;
    const message = this.#open.get(id) ?? this.#begin(id);
    if (part !== message.parts.length) {
      this.#open.delete(id);
      throw new FrameError("invalid", `is part ${part} where part ${message.parts.length} was due`);
    }
    message.size += data.length;
    if (message.size > this.#limit) {
      this.#open.delete(id);
      throw new FrameError("too_large", `is part of a message of over ${this.#limit} bytes`);
    }
    message.parts.push(data);
    if (!last) return null;
    this.#open.delete(id);
    return parsedObject(message.parts.join(""));
  }

  #begin(id: string): { parts: string[]; size: number } {
    if (this.#open.size >= OPEN_MESSAGES_MAX) {
      throw new FrameError("limit", `begins a message while ${OPEN_MESSAGES_MAX} are unfinished`);
    }
    const message = { parts: [], size: 0 };
    this.#open.set(id, message);
    return message;
  }
}
