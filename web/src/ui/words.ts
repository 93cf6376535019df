/** Durations and reasons in words. Pure. */

import type { Reason } from "../connection/state";
import { texts } from "./texts";

/** What something came to; each has its colours in `styles/tokens.css`. */
export type Tone = "good" | "plain" | "info" | "warn" | "bad";

/** 0.42 ms, 12 ms, 1.3 s. */
export function duration(ms: number): string {
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

const PREDICATE = /^(is|are|has|was|holds|begins|gives|changes|may|comes|reads|cannot) /;
// What a person calls the fields of the messages that the page sends for them.
const SUBJECTS: ReadonlyMap<string, string> = new Map(Object.entries(texts.turn.subjects));

/**
 * A reason as a sentence. The server's details are what can be said of a field ("is empty; write ...") or a clause of
 * their own ("no gateway can take another session now; try again").
 */
export function reasonWords({ code, detail, field }: Reason): string {
  if (detail === "") return texts.turn.reason(code);
  const isPredicate = PREDICATE.test(detail);
  const whole = isPredicate ? `${SUBJECTS.get(field ?? "") ?? texts.turn.theMessage} ${detail}` : detail;
  return whole.charAt(0).toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

export function isStandIn(modelName: string): boolean {
  return /stand-?in/i.test(modelName);
}
