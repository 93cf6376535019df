/** The connection in words: its state for the pill, and why there is none, with what to do. Pure. */

import type { Obstacle } from "../connection/obstacle";
import type { Path } from "../connection/path";
import type { ErrorCode } from "../connection/protocol";
import type { ConnectionState, Reason } from "../connection/state";
import { duration, reasonWords } from "./words";

const NO_WAY = "No direct way to the server was found";
const OBSTACLES: Readonly<Record<Obstacle, string>> = {
  unreachable:
    "The server cannot be reached from here, or this address may not connect to it; check that this device is online, and the address.",
  cut_off: "The server was reached, but the line to it broke off while connecting; if this lasts, try another network.",
  unanswered: "The server was reached, but no gateway answered; if this lasts, tell whoever runs it.",
  unopened: "A way to the server was found, but no connection came of it; if this lasts, try another network.",
  no_relay_offered: `${NO_WAY}, and it offers no relay; try another network, or ask whoever runs it to set up TURN.`,
  relay_refused: `${NO_WAY}, and its relay refused the password that it gave us; tell whoever runs it.`,
  relay_full: `${NO_WAY}, and its relay has no room for this page; close other tabs of it, or wait a minute.`,
  relay_unreachable: `${NO_WAY}, and its relay cannot be reached from this network either; try another network.`,
  relay_in_vain: "The relay was reached, but no gateway behind it; tell whoever runs it that the relay must reach the gateways.",
};

const QUICK: ReadonlySet<Obstacle> = new Set(["unreachable", "cut_off"]); // what a closed socket tells at once

const ENDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  capacity: "There is no room on the server just now; leave this page open, it gets in as soon as there is.",
  unauthorised: "Your sign-in is missing or has ended; open the link you were given again, or ask for a new one.",
  superseded: "Another tab or device has taken this conversation over; go on there, or take it back.",
  unsupported_version: "This page and the server are of different versions; load the page again.",
};

/** Why there is no connection, and what to do: one sentence. */
export function lossWords(reason: Reason): string {
  if (reason.obstacle !== undefined) return OBSTACLES[reason.obstacle];
  return ENDS[reason.code] ?? reasonWords(reason);
}

/** What the person can do about a final reason with one click. */
export function wayBack({ code }: Reason): { readonly label: string; readonly reloads: boolean } {
  if (code === "superseded") return { label: "Take it back", reloads: false };
  if (code === "unsupported_version") return { label: "Reload", reloads: true };
  return { label: "Try again", reloads: false };
}

/** The connection that is being mended; null where there is nothing that a person should know of yet. */
export function mendingWords(state: ConnectionState): { readonly why: string; readonly next: string } | null {
  if (!("failures" in state) || state.name === "connected" || state.reason === null) return null;
  // A first loss mends within half a second, and the pill says enough about it. What took 15 s to fail does not.
  const isSlow = state.reason.obstacle !== undefined && !QUICK.has(state.reason.obstacle);
  if (state.failures < 2 && !isSlow) return null;
  return { why: lossWords(state.reason), next: nextWords(state) };
}

function nextWords(state: ConnectionState): string {
  return state.name === "reconnecting" && state.delayMs >= 1000 ? `Next try in ${Math.round(state.delayMs / 1000)} s.` : "Trying again.";
}

export function pillWords(state: ConnectionState, path: Path | null): string {
  switch (state.name) {
    case "idle":
      return "Not connected";
    case "signaling":
    case "connecting":
      return state.failures === 0 ? "Connecting" : `Reconnecting · try ${state.failures}`;
    case "connected": {
      if (state.silentMs !== undefined) return `No answer for ${Math.round(state.silentMs / 1000)} s`;
      const facts = [path && pathWords(path), state.rttMs === null ? null : duration(state.rttMs)];
      return ["Connected", ...facts.filter((fact) => fact !== null)].join(" · ");
    }
    case "reconnecting":
      return `Reconnecting · try ${state.failures}`;
    case "failed":
      return "Disconnected";
  }
}

/** `direct`, or how the relay is reached: `relay/udp`. A relay is a way like another, no worse state. */
export function pathWords({ local, remote, protocol }: Path): string {
  return local === "relay" || remote === "relay" ? `relay/${protocol}` : "direct";
}

export function signInWords(minutes: number): string {
  return `Your sign-in ends in ${minutes === 1 ? "a minute" : `${minutes} minutes`}; open a new link to stay connected.`;
}
