/** The WebSocket `/ai/ws`: typed messages in and out. What they mean for a connection is the attempt's business. */

import * as v from "valibot";

import { texts } from "../ui/texts";
import { FromServerSchema, SIGNALING_FRAME_MAX_BYTES, type FromClient, type FromServer } from "./protocol";
import type { Reason } from "./state";

export interface SignalingEvents {
  opened(): void;
  message(message: FromServer): void;
  /** The socket is gone, or spoke something else than the protocol. Called once at most. */
  closed(reason: Reason): void;
}

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(["ready", "answer", "candidate", "error", "draining", "bye"]);

/** A message, null for one of a type that a newer server may know, or the reason why it is neither. */
export function parseFromServer(data: unknown): FromServer | null | Reason {
  if (typeof data !== "string" || data.length > SIGNALING_FRAME_MAX_BYTES) {
    return { code: "invalid", detail: texts.reasons.noTextOrTooLong };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(data);
  } catch {
    return { code: "invalid", detail: texts.reasons.notJson };
  }
  const checked = v.safeParse(FromServerSchema, parsed);
  if (checked.success) return checked.output;
  if (typeof parsed === "object" && parsed !== null && "type" in parsed && !KNOWN_TYPES.has(parsed.type)) return null;
  return { code: "invalid", detail: texts.reasons.malformed(checked.issues[0].message) };
}

export class SignalingSocket {
  readonly #socket: WebSocket;
  #events: SignalingEvents | null;

  constructor(socket: WebSocket, events: SignalingEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.addEventListener("open", () => this.#events?.opened());
    socket.addEventListener("message", (event: MessageEvent<unknown>) => this.#receive(event.data));
    socket.addEventListener("close", () => this.#end({ code: "unavailable", detail: texts.reasons.unreachable }));
  }

  send(message: FromClient): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Say bye and close; no event follows. */
  close(): void {
    this.#events = null;
    this.send({ type: "bye" });
    this.#socket.close();
  }

  #receive(data: unknown): void {
    if (this.#events === null) return;
    const message = parseFromServer(data);
    if (message === null) return;
    if ("type" in message) this.#events.message(message);
    else this.#end(message);
  }

  #end(reason: Reason): void {
    const events = this.#events;
    this.#events = null;
    this.#socket.close();
    events?.closed(reason);
  }
}
