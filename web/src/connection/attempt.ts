/** One attempt: a socket, a peer connection, a heartbeat. It ends once, by `lost` or `refused`, and is not used again. */

import * as v from "valibot";

import { texts } from "../ui/texts";
import { Assembler, FrameError, split, type JsonObject } from "./frames";
import { Heartbeat } from "./heartbeat";
import { isRelayUrl, obstacleOf } from "./obstacle";
import type { Path } from "./path";
import { iceConfiguration, Peer } from "./peer";
import type { Readings } from "./readings";
import {
  CONNECT_TIMEOUT_S,
  FromGatewaySchema,
  MESSAGE_OUT_MAX_BYTES,
  type FromGateway,
  type FromPage,
  type FromServer,
  type Hello,
  type Ready,
} from "./protocol";
import { SignalingSocket } from "./signaling";
import type { Reason } from "./state";

/** What the browser gives; tests give fakes. */
export interface Platform {
  openSocket(): WebSocket;
  createPeer(configuration: RTCConfiguration): RTCPeerConnection;
}

/** How it enters, and by which ways it may. */
export interface Entry {
  readonly hello: Hello;
  readonly relayOnly: boolean;
}

export interface AttemptEvents {
  ready(ready: Ready): void;
  opened(connectMs: number): void;
  /** The pair of candidates in use, once it is known, and when it changes. */
  path(path: Path): void;
  measured(rttMs: number): void;
  /** A ping was not answered by the time of the next one. */
  missed(silentMs: number): void;
  message(message: FromGateway): void;
  /** A message that cannot be used; the attempt goes on. */
  problem(reason: Reason): void;
  /** The server is going; the channel still serves. */
  draining(retryAfterMs: number): void;
  lost(reason: Reason, retryAfterMs: number): void;
  /** As lost, but trying again by itself would not help. */
  refused(reason: Reason): void;
}

const PATH_ASKS_MAX = 3; // the pair may be told a moment after the channel opened
const FINAL_CODES: ReadonlySet<string> = new Set(["superseded", "unauthorised", "unsupported_version"]);
const KNOWN_TYPES: ReadonlySet<string> = new Set(FromGatewaySchema.options.map(({ entries }) => entries.type.literal));
const CANDIDATE_CODES: ReadonlySet<string> = new Set(["invalid", "limit", "rate", "too_large"]);

export class Attempt {
  readonly #platform: Platform;
  readonly #number: number;
  readonly hello: Hello;
  readonly #relayOnly: boolean;
  readonly #socket: SignalingSocket;
  readonly #assembler = new Assembler(MESSAGE_OUT_MAX_BYTES);
  readonly #heartbeat: Heartbeat;
  readonly #watchdog: ReturnType<typeof setTimeout>;
  #events: AttemptEvents | null;
  #peer: Peer | null = null;
  #relayOffered = false;
  #connectMs = 0;
  #path: Path | null = null;
  #pathAsks = 0;
  #answered = false;
  #open = false;

  constructor(platform: Platform, number: number, { hello, relayOnly }: Entry, events: AttemptEvents) {
    this.#platform = platform;
    this.#number = number;
    this.hello = hello;
    this.#relayOnly = relayOnly;
    this.#events = events;
    this.#heartbeat = new Heartbeat({
      ping: (id) => this.send({ type: "ping", id }),
      measured: (rttMs) => {
        this.#events?.measured(rttMs);
        this.#pathAsks += 1;
        if (this.#path === null && this.#pathAsks <= PATH_ASKS_MAX) void this.#readPath();
      },
      missed: (silentMs) => this.#events?.missed(silentMs),
      dead: () => this.#lost({ code: "timeout", detail: texts.reasons.noLongerAnswers }),
    });
    this.#watchdog = setTimeout(
      () => this.#stuck({ code: "timeout", detail: texts.reasons.notConnected(CONNECT_TIMEOUT_S) }),
      CONNECT_TIMEOUT_S * 1000,
    );
    this.#socket = new SignalingSocket(platform.openSocket(), {
      opened: () => this.#socket.send(this.hello),
      message: (message) => this.#signal(message),
      // Once the channel is open it is what counts: signaling may restart under a living connection.
      closed: (reason) => {
        if (this.#open) return;
        // A browser does not tell why a socket closed; whether we were let in before is all that is known.
        const obstacle = this.#peer === null ? "unreachable" : "cut_off";
        this.#lost(reason.code === "unavailable" ? { ...reason, obstacle } : reason);
      },
    });
  }

  /** False where the channel is not open. Throws FrameError for a message that is too large. */
  send(message: FromPage): boolean {
    if (!this.#open || this.#peer === null) return false;
    return this.#peer.send(split(message, "id" in message ? message.id : message.ref));
  }

  /** Ask now whether the other side is there: the network has changed. */
  probe(): void {
    this.#heartbeat.probe();
  }

  /** The page is looked at again. */
  woke(): void {
    this.#heartbeat.woke();
  }

  /** What the browser tells of it just now; null before there is a peer connection. */
  async readings(): Promise<Readings | null> {
    return (await this.#peer?.readings()) ?? null;
  }

  /** Lose the peer connection as though the network were gone; `lost` follows. */
  drop(): void {
    this.#peer?.drop();
  }

  /** End it; no event follows. */
  close(): void {
    this.#events = null;
    clearTimeout(this.#watchdog);
    this.#heartbeat.stop();
    this.#peer?.close();
    this.#socket.close();
  }

  #lost(reason: Reason, retryAfterMs = 0): void {
    const events = this.#events;
    this.close();
    events?.lost(reason, retryAfterMs);
  }

  // Before the channel is open the reason is how far it came; after that, what was said.
  #stuck(reason: Reason): void {
    const { relayHad = false, relayErrors = new Set<number>(), paired = false } = this.#peer?.progress ?? {};
    const obstacle = obstacleOf({
      entered: this.#peer !== null,
      answered: this.#answered,
      relayOffered: this.#relayOffered,
      relayHad,
      relayErrors,
      paired,
    });
    this.#lost(this.#open ? reason : { ...reason, obstacle, ...(this.#relayOnly ? { relayOnly: true } : {}) });
  }

  #refused(reason: Reason): void {
    const events = this.#events;
    this.close();
    events?.refused(reason);
  }

  #signal(message: FromServer): void {
    switch (message.type) {
      case "ready":
        if (this.#peer === null) this.#connect(message);
        return;
      case "answer":
        if (message.attempt !== this.#number || this.#answered) return;
        this.#answered = true;
        void this.#peer?.answer(message.sdp);
        return;
      case "candidate":
        if (message.attempt === this.#number) void this.#peer?.addCandidate(message.candidate);
        return;
      case "error":
        if (message.final && FINAL_CODES.has(message.code)) this.#refused(message);
        else if (message.final) this.#lost(message);
        // After the answer a refused candidate is one way less, not the end.
        else if (!this.#open && !(this.#answered && CANDIDATE_CODES.has(message.code))) this.#lost(message);
        return;
      case "draining":
        this.#draining(message.retry_after_ms);
        return;
      case "bye":
        this.#lost({ code: "unavailable", detail: texts.reasons.ended });
    }
  }

  #draining(retryAfterMs: number): void {
    if (this.#open) this.#events?.draining(retryAfterMs);
    else this.#lost({ code: "unavailable", detail: texts.reasons.restarting }, retryAfterMs);
  }

  #connect(ready: Ready): void {
    this.#relayOffered = ready.ice_servers.some(({ urls }) => urls.some(isRelayUrl));
    this.#events?.ready(ready); // first: it holds the next resume token
    if (this.#relayOnly && !this.#relayOffered) {
      // It would look for a way until its time is up, and there is none to find.
      const detail = texts.reasons.noRelayOffered;
      this.#refused({ code: "connect_failed", detail, obstacle: "no_relay_offered", relayOnly: true });
      return;
    }
    try {
      this.#peer = new Peer(() => this.#platform.createPeer(iceConfiguration(ready.ice_servers, this.#relayOnly)), {
        offer: (sdp) => this.#socket.send({ type: "offer", attempt: this.#number, sdp }),
        candidate: (candidate) => this.#socket.send({ type: "candidate", attempt: this.#number, candidate }),
        opened: (connectMs) => this.#opened(connectMs),
        frame: (data) => this.#frame(data),
        rerouted: () => void this.#readPath(),
        lost: (reason) => (this.#answered && reason.code === "connect_failed" ? this.#stuck(reason) : this.#lost(reason)),
      });
    } catch {
      this.#refused({ code: "unsupported", detail: texts.reasons.noWebRtc });
      return;
    }
    void this.#peer.offer();
  }

  #opened(connectMs: number): void {
    this.#open = true;
    clearTimeout(this.#watchdog);
    this.#connectMs = connectMs;
    this.#events?.opened(connectMs);
    this.#heartbeat.start();
    void this.#readPath();
  }

  // Of the gateway's own candidates the page knows most, so it tells the gateway: once, of the pair that it opened with.
  async #readPath(): Promise<void> {
    const path = await this.#peer?.path();
    if (path === null || path === undefined) return;
    const isFirst = this.#path === null;
    this.#path = path;
    this.#events?.path(path);
    if (isFirst) this.send({ type: "path.report", id: `path-${this.#number}`, ...path, connect_ms: this.#connectMs });
  }

  #frame(data: unknown): void {
    let whole: JsonObject | null;
    try {
      whole = this.#assembler.feed(data);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#events?.problem({ code: error.code, detail: texts.reasons.badFrame(error.message) });
      return;
    }
    if (whole === null) return;
    const checked = v.safeParse(FromGatewaySchema, whole);
    const kind = whole["type"];
    if (checked.success) this.#receive(checked.output);
    else if (typeof kind !== "string" || KNOWN_TYPES.has(kind)) {
      const named = typeof kind === "string" ? kind : "no type";
      this.#events?.problem({ code: "invalid", detail: texts.reasons.notUnderstood(named) });
    }
    // A type that a newer server may know is passed over.
  }

  #receive(message: FromGateway): void {
    switch (message.type) {
      case "ping":
        this.send({ type: "pong", ref: message.id });
        return;
      case "pong":
        this.#heartbeat.pong(message.ref);
        return;
      case "draining":
        this.#draining(message.retry_after_ms);
        return;
      case "error":
        if (message.final && FINAL_CODES.has(message.code)) this.#refused(message);
        else if (message.final) this.#lost(message);
        else this.#events?.message(message);
        return;
      default:
        this.#events?.message(message);
    }
  }
}
