/** The states of a connection and the moves between them, as values: no timer, no socket, no chance in here. */

import type { ErrorCode } from "./protocol";

/** Why a connection ended or cannot be made, in words for the person at the page. */
export interface Reason {
  readonly code: ErrorCode;
  readonly detail: string;
  /** What the detail is about, where the server names it. */
  readonly field?: string | null;
}

export interface Connected {
  readonly name: "connected";
  readonly failures: number;
  readonly rttMs: number | null;
  /** How long the server has not answered; left out while it answers. */
  readonly silentMs?: number;
}

/** `failures` counts attempts that ended since the last connection that proved itself by a pong. */
export type ConnectionState =
  | { readonly name: "idle" }
  | { readonly name: "signaling"; readonly failures: number }
  | { readonly name: "connecting"; readonly failures: number }
  | Connected
  | { readonly name: "reconnecting"; readonly failures: number; readonly delayMs: number; readonly reason: Reason }
  | { readonly name: "failed"; readonly reason: Reason };

export type ConnectionEvent =
  | { readonly type: "start" }
  | { readonly type: "ready" }
  | { readonly type: "opened" }
  | { readonly type: "measured"; readonly rttMs: number }
  | { readonly type: "missed"; readonly silentMs: number }
  | { readonly type: "lost"; readonly reason: Reason; readonly chance: number; readonly retryAfterMs: number }
  | { readonly type: "refused"; readonly reason: Reason }
  | { readonly type: "stop" };

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 10_000;
const RETRY_AFTER_MAX_MS = 60_000;

export const IDLE: ConnectionState = { name: "idle" };

/**
 * How long to wait before the next attempt: full jitter under a ceiling that doubles from 0.5 s to 10 s.
 *
 * Source: "Exponential backoff and jitter", AWS Architecture Blog, 2015.
 *
 * @param failures attempts that failed in a row, from 1
 * @param chance a number from 0 to below 1
 */
export function backoffMs(failures: number, chance: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(chance * ceiling);
}

function failuresOf(state: ConnectionState): number {
  return "failures" in state ? state.failures : 0;
}

function isUnderWay(state: ConnectionState): boolean {
  return state.name === "signaling" || state.name === "connecting" || state.name === "connected";
}

/** The state after an event. An event that makes no sense in a state leaves it as it is (the same object). */
export function next(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  switch (event.type) {
    case "start":
      return isUnderWay(state) ? state : { name: "signaling", failures: failuresOf(state) };
    case "ready":
      return state.name === "signaling" ? { name: "connecting", failures: state.failures } : state;
    case "opened":
      return state.name === "connecting" ? { name: "connected", failures: state.failures, rttMs: null } : state;
    case "measured":
      return state.name === "connected" ? { name: "connected", failures: 0, rttMs: event.rttMs } : state;
    case "missed":
      return state.name === "connected" ? { ...state, silentMs: event.silentMs } : state;
    case "lost": {
      if (!isUnderWay(state)) return state;
      const failures = failuresOf(state) + 1;
      const asked = Math.min(RETRY_AFTER_MAX_MS, event.retryAfterMs);
      const delayMs = Math.max(asked, backoffMs(failures, event.chance));
      return { name: "reconnecting", failures, delayMs, reason: event.reason };
    }
    case "refused":
      return isUnderWay(state) ? { name: "failed", reason: event.reason } : state;
    case "stop":
      return state.name === "idle" ? state : IDLE;
  }
}
