/**
 * The states of a connection and the moves between them, as values: no timer, no socket, no chance in here.
 *
 * An attempt is a socket and its peer connection, known by a number. A state names every attempt that may live: at most
 * one that serves and one that is being made. What is said of an attempt that the state does not name means nothing.
 */

import type { Obstacle } from "./obstacle";
import type { ErrorCode } from "./protocol";

/** Why a connection ended or cannot be made, in words for the person at the page. */
export interface Reason {
  readonly code: ErrorCode;
  readonly detail: string;
  /** What the detail is about, where the server names it. */
  readonly field?: string | null;
  /** What kept an attempt from becoming a connection, where the page has found it out. */
  readonly obstacle?: Obstacle;
  /** That attempt was allowed a relay only. */
  readonly relayOnly?: boolean;
}

/** The change to a new attempt while the old channel still serves. `refused`: there will be none. */
export type Move =
  | { readonly name: "waiting"; readonly failures: number; readonly delayMs: number; readonly reason?: Reason }
  | { readonly name: "signaling" | "connecting"; readonly failures: number; readonly attempt: number }
  | { readonly name: "refused"; readonly reason: Reason };

/** `reason`: of the failure before, while it is being mended. */
interface Trying {
  readonly name: "signaling" | "connecting";
  readonly attempt: number;
  readonly failures: number;
  readonly reason: Reason | null;
}

export interface Connected {
  readonly name: "connected";
  readonly attempt: number;
  readonly failures: number;
  readonly rttMs: number | null;
  /** How long the server has not answered; left out while it answers. */
  readonly silentMs?: number;
  /** Left out unless the server said that it is going. */
  readonly move?: Move;
}

interface Reconnecting {
  readonly name: "reconnecting";
  readonly failures: number;
  readonly delayMs: number;
  readonly reason: Reason;
}

/** `failures` counts attempts that ended since the last connection that proved itself by a pong. */
export type ConnectionState =
  | { readonly name: "idle" }
  | Trying
  | Connected
  | Reconnecting
  | { readonly name: "failed"; readonly reason: Reason };

interface OfAttempt {
  readonly attempt: number;
}

/**
 * `chance` is a number from 0 to below 1. `start` asks for an attempt where none is under way; `replace` asks for one in
 * any case, since how attempts are made has changed: a channel that is open serves until the new one is.
 */
export type ConnectionEvent =
  | ({ readonly type: "start" | "replace" | "ready" | "opened" } & OfAttempt)
  | ({ readonly type: "measured"; readonly rttMs: number } & OfAttempt)
  | ({ readonly type: "missed"; readonly silentMs: number } & OfAttempt)
  | ({ readonly type: "draining"; readonly chance: number; readonly retryAfterMs: number } & OfAttempt)
  | ({ readonly type: "lost"; readonly reason: Reason; readonly chance: number; readonly retryAfterMs: number } & OfAttempt)
  | ({ readonly type: "refused"; readonly reason: Reason } & OfAttempt)
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

/** The attempt whose channel is open, or null. */
export function servingAttempt(state: ConnectionState): number | null {
  return state.name === "connected" ? state.attempt : null;
}

/** The attempt that is being made, or null. */
export function tryingAttempt(state: ConnectionState): number | null {
  const part = state.name === "connected" ? state.move : state;
  return part?.name === "signaling" || part?.name === "connecting" ? part.attempt : null;
}

/** The wait for the next attempt, or null; another object is another wait. */
export function waitOf(state: ConnectionState): { readonly delayMs: number } | null {
  const part = state.name === "connected" ? state.move : state;
  return part?.name === "reconnecting" || part?.name === "waiting" ? part : null;
}

/** Why no further attempt is made unless the person asks for it, or null. The old channel may serve meanwhile. */
export function refusalOf(state: ConnectionState): Reason | null {
  const part = state.name === "connected" ? state.move : state;
  return part?.name === "failed" || part?.name === "refused" ? part.reason : null;
}

// What the server asks for is the least, and the jitter comes on top: or all its clients would come back at once.
function delayMs(failures: number, { chance, retryAfterMs }: { chance: number; retryAfterMs: number }): number {
  return Math.min(RETRY_AFTER_MAX_MS, retryAfterMs) + backoffMs(failures, chance);
}

/** The state after an event. An event that makes no sense in a state leaves it as it is (the same object). */
export function next(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  if (event.type === "stop") return state.name === "idle" ? state : IDLE;
  switch (state.name) {
    case "idle":
    case "reconnecting":
    case "failed": {
      if (event.type !== "start" && event.type !== "replace") return state;
      const known = state.name === "reconnecting" ? state : { failures: 0, reason: null };
      return { name: "signaling", attempt: event.attempt, failures: known.failures, reason: known.reason };
    }
    case "signaling":
    case "connecting":
      if (event.type === "replace") return { ...state, name: "signaling", attempt: event.attempt };
      return event.attempt === state.attempt ? whileTrying(state, event) : state;
    case "connected":
      return event.attempt === state.attempt ? onServing(state, event) : whileMoving(state, event);
  }
}

type AttemptEvent = Exclude<ConnectionEvent, { type: "stop" }>;

function whileTrying(state: Trying, event: AttemptEvent): ConnectionState {
  switch (event.type) {
    case "ready":
      return state.name === "signaling" ? { ...state, name: "connecting" } : state;
    case "opened":
      if (state.name !== "connecting") return state;
      return { name: "connected", attempt: state.attempt, failures: state.failures, rttMs: null };
    case "lost": {
      const failures = state.failures + 1;
      return { name: "reconnecting", failures, delayMs: delayMs(failures, event), reason: event.reason };
    }
    case "refused":
      return { name: "failed", reason: event.reason };
    default:
      return state;
  }
}

function onServing(state: Connected, event: AttemptEvent): ConnectionState {
  const { attempt, failures, move } = state;
  switch (event.type) {
    case "measured":
      return { name: "connected", attempt, failures: 0, rttMs: event.rttMs, ...(move === undefined ? {} : { move }) };
    case "missed":
      return { ...state, silentMs: event.silentMs };
    case "draining":
      if (move !== undefined) return state;
      return { ...state, move: { name: "waiting", failures: 0, delayMs: delayMs(1, event) } };
    case "lost":
    case "refused":
      // What ends the old channel is no news while there is a newer attempt: that one is what counts.
      if (move?.name === "signaling" || move?.name === "connecting") return { ...move, reason: event.reason };
      if (move?.name === "refused") return { name: "failed", reason: move.reason };
      if (event.type === "refused") return { name: "failed", reason: event.reason };
      return whileTrying({ name: "connecting", attempt, failures: move?.failures ?? failures, reason: null }, event);
    default:
      return state;
  }
}

function whileMoving(state: Connected, event: AttemptEvent): ConnectionState {
  const { move } = state;
  if (event.type === "replace") return { ...state, move: { name: "signaling", attempt: event.attempt, failures: 0 } };
  if (move === undefined) return state;
  if (event.type === "start") {
    if (move.name === "signaling" || move.name === "connecting") return state;
    const failures = move.name === "waiting" ? move.failures : 0;
    return { ...state, move: { name: "signaling", attempt: event.attempt, failures } };
  }
  if (tryingAttempt(state) !== event.attempt || move.name === "refused" || move.name === "waiting") return state;
  switch (event.type) {
    case "ready":
      return move.name === "signaling" ? { ...state, move: { ...move, name: "connecting" } } : state;
    case "opened":
      if (move.name !== "connecting") return state;
      return { name: "connected", attempt: move.attempt, failures: move.failures, rttMs: null };
    case "lost": {
      const failures = move.failures + 1;
      return { ...state, move: { name: "waiting", failures, delayMs: delayMs(failures, event), reason: event.reason } };
    }
    case "refused":
      return { ...state, move: { name: "refused", reason: event.reason } };
    default:
      return state;
  }
}
