/** The connection in words: its state for the pill, and why there is none, with what to do. Pure. */

import type { Obstacle } from "../connection/obstacle";
import type { Path } from "../connection/path";
import type { ErrorCode } from "../connection/protocol";
import { refusalOf, waitOf, type ConnectionState, type Reason } from "../connection/state";
import { texts } from "./texts";
import { duration, reasonWords } from "./words";

const words = texts.connection;
const QUICK: ReadonlySet<Obstacle> = new Set(["unreachable", "cut_off"]); // what a closed socket tells at once
const ENDS: Readonly<Partial<Record<ErrorCode, string>>> = words.ends;

function obstacleWords(obstacle: Obstacle, relayOnly: boolean): string {
  switch (obstacle) {
    case "no_relay_offered":
    case "relay_refused":
    case "relay_full":
    case "relay_unreachable":
      return relayOnly ? `${words.relayOnly}, ${words.onlyRelays[obstacle]}` : `${words.noWay}, ${words.relays[obstacle]}`;
    default:
      return words.obstacles[obstacle];
  }
}

/** Why there is no connection, and what to do: one sentence. */
export function lossWords(reason: Reason): string {
  if (reason.obstacle !== undefined) return obstacleWords(reason.obstacle, reason.relayOnly === true);
  return ENDS[reason.code] ?? reasonWords(reason);
}

export type Way = "retry" | "reload" | "any_way";

/** What the person can do about a final reason with one click. */
export function wayBack({ code, relayOnly }: Reason): { readonly label: string; readonly way: Way } {
  if (relayOnly === true) return { label: words.anyWay, way: "any_way" };
  if (code === "superseded") return { label: words.takeBack, way: "retry" };
  if (code === "unsupported_version") return { label: words.reload, way: "reload" };
  return { label: words.tryAgain, way: "retry" };
}

/** Why the connection is being mended; null where there is nothing that a person should know of yet. */
export function mendingWords(state: ConnectionState, online: boolean): string | null {
  if (state.name === "connected") {
    // The old channel serves: only what was asked for, and does not come about, is worth a word.
    const { move } = state;
    return move?.name === "waiting" && move.reason?.relayOnly === true ? lossWords(move.reason) : null;
  }
  if (!("failures" in state) || state.reason === null) return null;
  if (!online) return words.offline;
  // A first loss mends within half a second, and the pill says enough about it. What took 15 s to fail does not.
  const isSlow = state.reason.obstacle !== undefined && !QUICK.has(state.reason.obstacle);
  if (state.failures < 2 && !isSlow) return null;
  return lossWords(state.reason);
}

/** When the next attempt is made. @param seconds until it is due, or null where it is not known */
export function nextWords(state: ConnectionState, seconds: number | null): string {
  return waitOf(state) !== null && seconds !== null && seconds > 0 ? words.nextIn(seconds) : words.tryingAgain;
}

export interface PillWords {
  readonly state: string;
  /** What a narrow screen leaves out. */
  readonly more: readonly string[];
}

export function pillWords(state: ConnectionState, path: Path | null, online: boolean): PillWords {
  const { states } = words;
  switch (state.name) {
    case "idle":
      return { state: states.idle, more: [] };
    case "signaling":
    case "connecting":
    case "reconnecting":
      if (state.failures === 0) return { state: states.connecting, more: [] };
      return { state: online ? states.reconnecting : states.offline, more: [] };
    case "connected": {
      if (state.silentMs !== undefined) return { state: words.noAnswer(Math.round(state.silentMs / 1000)), more: [] };
      const facts = [path && pathWords(path), state.rttMs === null ? null : duration(state.rttMs)];
      return { state: states.connected, more: facts.filter((fact) => fact !== null) };
    }
    case "failed":
      return { state: states.disconnected, more: [] };
  }
}

/** How the page is reached, in ICE's words: host, srflx, prflx; or how the relay is: relay/udp. A relay is no worse way. */
export function pathWords({ local, remote, protocol }: Path): string {
  return local === "relay" || remote === "relay" ? `relay/${protocol}` : local;
}

/** The same for people. */
export function pathMeaning({ local, remote }: Path): string {
  return words.details.paths[remote === "relay" ? "relay" : local];
}

/** What is said aloud of a change; the empty string is silence. */
export function announcementOf(state: ConnectionState, online: boolean): string {
  const refusal = refusalOf(state);
  const trouble = refusal === null ? mendingWords(state, online) : lossWords(refusal);
  if (trouble !== null || state.name !== "connected") return trouble ?? "";
  return state.silentMs === undefined ? words.announced.connected : words.announced.silent;
}

/** 812 B, 4.2 kB, 1.3 MB. */
export function bytesWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const [size, unit] = bytes < 999_500 ? [bytes / 1000, "kB"] : [bytes / 1_000_000, "MB"];
  return `${size < 99.95 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}
