/** One RTCPeerConnection with its one data channel. It is used once: recovery is a new one (aiortc has no ICE restart). */

import { texts } from "../ui/texts";
import { isRelayUrl, type Progress } from "./obstacle";
import { readingsOf, type Readings } from "./readings";
import { chosenPath, type Path } from "./path";
import { CANDIDATES_MAX, CHANNEL_LABEL, CHANNEL_PROTOCOL, type IceCandidate, type IceServer } from "./protocol";
import type { Reason } from "./state";

export interface PeerEvents {
  offer(sdp: string): void;
  candidate(candidate: IceCandidate | null): void;
  /** The channel is open, `connectMs` after the peer connection was made. */
  opened(connectMs: number): void;
  frame(data: unknown): void;
  /** ICE may have chosen another pair; `path` reads which. */
  rerouted(): void;
  /** Called once at most. */
  lost(reason: Reason): void;
}

const DISCONNECTED_GRACE_MS = 3_000;
const RELAY_ERRORS_MAX = 8; // different ones
const BUFFERED_MAX_BYTES = 1024 * 1024;
const MARKS = {
  peer: "agent:peer",
  offer: "agent:offer",
  answer: "agent:answer",
  open: "agent:open",
} as const;

/** @param relayOnly leave every other way out */
export function iceConfiguration(servers: readonly IceServer[], relayOnly: boolean): RTCConfiguration {
  return {
    ...(relayOnly ? { iceTransportPolicy: "relay" } : {}),
    iceServers: servers.map(({ urls, username, credential }) => ({
      urls,
      ...(username === null ? {} : { username }),
      ...(credential === null ? {} : { credential }),
    })),
  };
}

export class Peer {
  readonly #connection: RTCPeerConnection;
  readonly #channel: RTCDataChannel;
  readonly #startedAt: number;
  #events: PeerEvents | null;
  #candidatesSent = 0;
  readonly #relayErrors = new Set<number>();
  #relayHad = false;
  #paired = false;
  #early: (IceCandidate | null)[] | null = []; // held until the answer is set; null from then on
  #grace: ReturnType<typeof setTimeout> | undefined;

  /** @param create makes the peer connection; throws where the browser has none */
  constructor(create: () => RTCPeerConnection, events: PeerEvents) {
    for (const mark of Object.values(MARKS)) performance.clearMarks(mark);
    this.#startedAt = performance.mark(MARKS.peer).startTime;
    this.#events = events;
    this.#connection = create();
    this.#channel = this.#connection.createDataChannel(CHANNEL_LABEL, { protocol: CHANNEL_PROTOCOL, ordered: true });
    this.#listen();
  }

  /** Make the offer and hand it out before any candidate is known: waiting for them costs a second with aiortc. */
  async offer(): Promise<void> {
    try {
      const { sdp } = await this.#connection.createOffer();
      if (this.#events === null || sdp === undefined) return;
      performance.mark(MARKS.offer);
      this.#events.offer(sdp);
      await this.#connection.setLocalDescription({ type: "offer", sdp });
    } catch {
      this.#end({ code: "connect_failed", detail: texts.reasons.noOffer });
    }
  }

  async answer(sdp: string): Promise<void> {
    performance.mark(MARKS.answer);
    try {
      await this.#connection.setRemoteDescription({ type: "answer", sdp });
    } catch {
      this.#end({ code: "invalid", detail: texts.reasons.answerNotAccepted });
      return;
    }
    const early = this.#early ?? [];
    this.#early = null;
    await Promise.all(early.map((candidate) => this.#add(candidate)));
  }

  /** A candidate of the other side; null says that there are no more. Before the answer it is held, up to a bound. */
  async addCandidate(candidate: IceCandidate | null): Promise<void> {
    if (this.#early === null) await this.#add(candidate);
    else if (this.#early.length < CANDIDATES_MAX) this.#early.push(candidate);
  }

  /** Send frames in order; false where the channel cannot take them. */
  send(frames: readonly string[]): boolean {
    if (this.#channel.readyState !== "open") return false;
    if (this.#channel.bufferedAmount > BUFFERED_MAX_BYTES) {
      this.#end({ code: "slow_reader", detail: texts.reasons.takesNothing });
      return false;
    }
    for (const frame of frames) this.#channel.send(frame);
    return true;
  }

  /** How far it came on its way through the network. */
  get progress(): Pick<Progress, "relayHad" | "relayErrors" | "paired"> {
    return { relayHad: this.#relayHad, relayErrors: this.#relayErrors, paired: this.#paired };
  }

  /** The pair of candidates in use; null where the browser does not tell. */
  async path(): Promise<Path | null> {
    try {
      return chosenPath(await this.#connection.getStats());
    } catch {
      return null; // closed meanwhile
    }
  }

  /** What the browser tells of this connection just now; null where it tells nothing. */
  async readings(): Promise<Readings | null> {
    try {
      const stats = await this.#connection.getStats();
      return readingsOf(this.#connection.iceConnectionState, this.#channel.bufferedAmount, stats);
    } catch {
      return null; // closed meanwhile
    }
  }

  /** Close it as though the network were gone; `lost` follows. */
  drop(): void {
    this.#end({ code: "connect_failed", detail: texts.reasons.networkLost });
  }

  /** Close; no event follows. */
  close(): void {
    this.#events = null;
    clearTimeout(this.#grace);
    this.#channel.close();
    this.#connection.close();
  }

  async #add(candidate: IceCandidate | null): Promise<void> {
    try {
      await this.#connection.addIceCandidate(
        candidate === null
          ? undefined
          : {
              candidate: candidate.candidate,
              sdpMid: candidate.sdp_mid,
              sdpMLineIndex: candidate.sdp_m_line_index,
            },
      );
    } catch {
      // One candidate that the browser cannot use leaves the others; with none left the watchdog ends the attempt.
    }
  }

  #listen(): void {
    const connection = this.#connection;
    const channel = this.#channel;
    connection.addEventListener("icecandidate", ({ candidate }) => this.#trickle(candidate));
    connection.addEventListener("icecandidateerror", ({ errorCode, url }) => {
      if (isRelayUrl(url) && this.#relayErrors.size < RELAY_ERRORS_MAX) this.#relayErrors.add(errorCode);
    });
    connection.addEventListener("iceconnectionstatechange", () => {
      if (connection.iceConnectionState === "connected") this.#paired = true;
    });
    connection.addEventListener("connectionstatechange", () => this.#connectionState(connection.connectionState));
    channel.addEventListener("open", () => {
      const openedAt = performance.mark(MARKS.open).startTime;
      this.#events?.opened(openedAt - this.#startedAt);
      // Where the browser has this event; the pair can change while the channel lives.
      connection.sctp?.transport.iceTransport.addEventListener("selectedcandidatepairchange", () => this.#events?.rerouted());
    });
    channel.addEventListener("message", (event: MessageEvent<unknown>) => this.#events?.frame(event.data));
    channel.addEventListener("close", () => this.#end({ code: "unavailable", detail: texts.reasons.closed }));
  }

  #trickle(candidate: RTCIceCandidate | null): void {
    if (candidate?.type === "relay") this.#relayHad = true;
    // Firefox ends a generation with an empty candidate before the null that ends them all.
    if (candidate?.candidate === "" || this.#candidatesSent > CANDIDATES_MAX) return;
    this.#candidatesSent += 1;
    this.#events?.candidate(
      candidate === null || this.#candidatesSent > CANDIDATES_MAX
        ? null
        : { candidate: candidate.candidate, sdp_mid: candidate.sdpMid, sdp_m_line_index: candidate.sdpMLineIndex },
    );
  }

  #connectionState(state: RTCPeerConnectionState): void {
    clearTimeout(this.#grace);
    if (state === "failed" || state === "closed") {
      this.#end({ code: "connect_failed", detail: texts.reasons.noWay });
    } else if (state === "disconnected") {
      this.#grace = setTimeout(
        () => this.#end({ code: "connect_failed", detail: texts.reasons.networkLost }),
        DISCONNECTED_GRACE_MS,
      );
    }
  }

  #end(reason: Reason): void {
    const events = this.#events;
    this.close();
    events?.lost(reason);
  }
}
