/** A signaling server and a gateway in memory, on the wire's own messages. For tests only. */

import type { Platform } from "../src/connection/attempt";
import { Assembler, split, type JsonObject } from "../src/connection/frames";
import type { FromServer } from "../src/connection/protocol";

const LIMITS = { frame_bytes: 16_384, message_bytes: 65_536, request_bytes: 8_192, title_chars: 500 };

class FakeSocket extends EventTarget {
  readyState = 0;
  readonly sent: JsonObject[] = [];
  onSent: (message: JsonObject) => void = () => {};

  open(): void {
    if (this.readyState !== 0) return; // the page has closed it already
    this.readyState = 1;
    this.dispatchEvent(new Event("open"));
  }

  send(data: string): void {
    const message = JSON.parse(data) as JsonObject;
    this.sent.push(message);
    this.onSent(message);
  }

  close(): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.dispatchEvent(new Event("close"));
  }

  deliver(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data: typeof data === "string" ? data : JSON.stringify(data) }));
  }
}

class FakeChannel extends EventTarget {
  readyState = "connecting";
  bufferedAmount = 0;
  readonly label: string;
  readonly protocol: string;
  onSent: (frame: string) => void = () => {};

  constructor(label: string, options: RTCDataChannelInit) {
    super();
    this.label = label;
    this.protocol = options.protocol ?? "";
  }

  open(): void {
    this.readyState = "open";
    this.dispatchEvent(new Event("open"));
  }

  send(frame: string): void {
    this.onSent(frame);
  }

  close(): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.dispatchEvent(new Event("close"));
  }

  deliver(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

class FakePeer extends EventTarget {
  connectionState = "new";
  iceConnectionState = "new";
  stats = new Map<string, unknown>();
  channel: FakeChannel | null = null;
  readonly configuration: RTCConfiguration;
  readonly calls: string[] = [];

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
  }

  createDataChannel(label: string, options: RTCDataChannelInit): FakeChannel {
    this.channel = new FakeChannel(label, options);
    return this.channel;
  }

  async createOffer(): Promise<RTCSessionDescriptionInit> {
    return { type: "offer", sdp: "v=0 offer" };
  }

  async setLocalDescription(): Promise<void> {
    this.calls.push("local");
  }

  async setRemoteDescription(): Promise<void> {
    this.calls.push("remote");
  }

  async addIceCandidate(candidate?: RTCIceCandidateInit): Promise<void> {
    this.calls.push(candidate?.candidate ?? "end");
  }

  close(): void {
    this.connectionState = "closed";
  }

  async getStats(): Promise<ReadonlyMap<string, unknown>> {
    return this.stats;
  }

  trickle(candidate: string | null, type = "host"): void {
    const event = new Event("icecandidate");
    const value = candidate === null ? null : { candidate, type, sdpMid: "0", sdpMLineIndex: 0 };
    this.dispatchEvent(Object.assign(event, { candidate: value }));
  }

  failCandidate(url: string, errorCode: number): void {
    this.dispatchEvent(Object.assign(new Event("icecandidateerror"), { url, errorCode }));
  }

  moveTo(state: "connected" | "disconnected" | "failed"): void {
    this.connectionState = state;
    this.iceConnectionState = state;
    this.dispatchEvent(new Event("iceconnectionstatechange"));
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

/** One try of the page: its socket and its peer connection. */
export class Link {
  readonly socket = new FakeSocket();
  peer: FakePeer | null = null;
  readonly heard: JsonObject[] = [];

  get channel(): FakeChannel {
    const channel = this.peer?.channel ?? null;
    if (channel === null) throw new Error("the page has made no channel yet");
    return channel;
  }

  signal(message: FromServer | JsonObject): void {
    this.socket.deliver(message);
  }

  /** Send a message over the data channel. */
  tell(message: object): void {
    for (const frame of split(message, "m1")) this.channel.deliver(frame);
  }

  get hello(): JsonObject {
    const [hello] = this.socket.sent;
    if (hello === undefined) throw new Error("the page has not said hello yet");
    return hello;
  }

  get isOpen(): boolean {
    return this.peer?.channel?.readyState === "open";
  }
}

export interface Habits {
  /** Open, and answer hellos and offers, by itself. */
  readonly friendly: boolean;
}

export class FakeGateway {
  readonly links: Link[] = [];
  /** What the page said over data channels, whole messages, pings left out. */
  readonly heard: JsonObject[] = [];
  answersPings = true;
  /** Whether links from now on are opened, and hellos and offers answered, by itself. */
  friendly: boolean;
  /** Whether a session that is named can be gone on with. */
  resumes = true;
  /** Sessions are out of a backup: they are gone on with, and nothing of them counts as heard. */
  restored = false;
  tokenExpiresAt: string | null = null;
  /** Whom the token names. */
  owner = "you";
  iceServers: readonly object[] = [{ urls: ["turn:turn.example"], username: "u", credential: "c" }];
  /** Of each peer that the page makes from now on. */
  stats = new Map<string, unknown>();
  /** A friendly gateway has opened this link's channel. */
  opened: (link: Link) => void = () => {};
  #sessions = 0;

  constructor(habits: Habits = { friendly: true }) {
    this.friendly = habits.friendly;
  }

  get link(): Link {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error("the page has opened no socket yet");
    return link;
  }

  /** What the page said of one type. */
  heardOf(type: string): JsonObject[] {
    return this.heard.filter((message) => message["type"] === type);
  }

  platform(): Platform {
    return {
      openSocket: () => this.#openSocket() as unknown as WebSocket,
      createPeer: (configuration) => this.#createPeer(configuration) as unknown as RTCPeerConnection,
    };
  }

  /** What a hello is answered with: the session that it names, or a new one. */
  ready(hello: JsonObject = {}, more: JsonObject = {}): JsonObject {
    const named = hello["session"];
    const known = typeof named === "string" && this.resumes;
    const resumed = known && !this.restored;
    if (!known) this.#sessions += 1;
    const session = known ? named : `s${this.#sessions}`;
    return {
      type: "ready",
      version: 1,
      session,
      resumed,
      resume_token: `resume-${this.links.length}`,
      token_expires_at: this.tokenExpiresAt,
      ...more,
      owner_name: "you",
      owner: this.owner,
      ice_servers: this.iceServers,
      limits: LIMITS,
    };
  }

  /** Send a message over the newest data channel. */
  tell(message: object): void {
    this.link.tell(message);
  }

  #openSocket(): FakeSocket {
    const link = new Link();
    this.links.push(link);
    if (this.friendly) {
      link.socket.onSent = (message) => {
        if (message["type"] === "hello") link.signal(this.ready(message));
        if (message["type"] === "offer") {
          link.signal({ type: "answer", attempt: message["attempt"], sdp: "v=0 answer" });
          queueMicrotask(() => {
            link.channel.open();
            if (link.isOpen) this.opened(link);
          });
        }
      };
      queueMicrotask(() => link.socket.open());
    }
    return link.socket;
  }

  #createPeer(configuration: RTCConfiguration): FakePeer {
    const link = this.link;
    const peer = new FakePeer(configuration);
    peer.stats = this.stats;
    link.peer = peer;
    const assembler = new Assembler(65_536);
    queueMicrotask(() => {
      link.channel.onSent = (frame) => {
        const message = assembler.feed(frame);
        if (message === null) return;
        link.heard.push(message);
        if (message["type"] !== "ping") this.heard.push(message);
        else if (this.answersPings) {
          queueMicrotask(() => link.channel.deliver(JSON.stringify({ type: "pong", ref: message["id"] })));
        }
      };
    });
    return peer;
  }
}
