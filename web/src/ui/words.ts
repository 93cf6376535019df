/** Outcomes, times and fields in words. Pure. */

import type { Outcome, Phase, Receipt, RowChange } from "../connection/protocol";
import type { Reason } from "../connection/state";

export type Tone = "good" | "plain" | "info" | "warn" | "bad";

export interface Face {
  readonly label: string;
  readonly note: string;
  readonly tone: Tone;
}

const FACES: Readonly<Record<Outcome, Face>> = {
  confirmed: { label: "Confirmed", note: "read back from the database", tone: "good" },
  already_so: { label: "Already so", note: "nothing had to change", tone: "plain" },
  answered: { label: "Answered", note: "nothing was changed", tone: "info" },
  clarify: { label: "Which one?", note: "nothing was changed yet", tone: "warn" },
  not_found: { label: "Not found", note: "nothing was changed", tone: "plain" },
  refused: { label: "Refused", note: "nothing was changed", tone: "plain" },
  conflict: { label: "Conflict", note: "somebody else changed it meanwhile; nothing was changed", tone: "warn" },
  cancelled: { label: "Cancelled", note: "nothing was changed", tone: "plain" },
  refuted: { label: "Refuted", note: "the database shows something else", tone: "bad" },
  failed: { label: "Failed", note: "nothing was changed", tone: "bad" },
  unknown: { label: "Unknown", note: "whether it was done could not be read", tone: "warn" },
};
const NO_PROOF: Face = { label: "Not proven", note: "reported as done, without a second read", tone: "warn" };

/** How an outcome looks. Only a verdict of the second read makes it green, never the outcome's word alone. */
export function faceOf(outcome: Outcome, { verdict }: Pick<Receipt, "verdict">): Face {
  return outcome === "confirmed" && verdict !== "confirmed" ? NO_PROOF : FACES[outcome];
}

export const PHASE_WORDS: Readonly<Record<Phase, string>> = { plan: "PLAN", execute: "EXECUTE", confirm: "CONFIRM" };

/** 0.42 ms, 12 ms, 1.3 s. */
export function duration(ms: number): string {
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A day as it is; a moment in the reader's own zone. */
export function dueWords(due: string): string {
  return due.includes("T") ? new Date(due).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : due;
}

const PREDICATE = /^(is|are|has|was|holds|begins|gives|changes|may) /;

/**
 * A reason as a sentence. The server's details are what can be said of a field ("is empty; write ...") or a clause of
 * their own ("no gateway can take another session now; try again").
 */
export function reasonWords({ code, detail, field }: Reason): string {
  if (detail === "") return `The server gave the reason “${code}”.`;
  const isPredicate = PREDICATE.test(detail);
  const whole = isPredicate ? `${field ?? "the message"} ${detail}` : detail;
  return whole.charAt(0).toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

export function isStandIn(modelName: string): boolean {
  return /stand-?in/i.test(modelName);
}

export interface FieldChange {
  readonly field: string;
  /** Null where it is not known. */
  readonly before: string | null;
  readonly after: string;
}

export interface RowWords {
  readonly kind: "added" | "removed" | "changed";
  readonly title: string;
  /** "in Groceries", or that it is a list. */
  readonly place: string;
  readonly fields: readonly FieldChange[];
}

/** How rows that a receipt only gives the ids of are called. */
export interface Names {
  list(id: string): string;
  item(id: string): string;
}

type View = NonNullable<RowChange["after"]>;
type Fields = ReadonlyMap<string, string>;

function fieldsOf(view: View, listName: (id: string) => string): Fields {
  if (view.kind === "list") return new Map([["name", view.name]]);
  return new Map([
    ["title", view.title],
    ["list", listName(view.list_id)],
    ["state", view.done ? "done" : "open"],
    ["due", view.due === null ? "none" : dueWords(view.due)],
    ["priority", view.priority],
    ["notes", view.notes === "" ? "none" : view.notes],
  ]);
}

function changedFields(before: Fields, after: Fields): readonly FieldChange[] {
  return [...after]
    .map(([field, value]) => ({ field, before: before.get(field) ?? null, after: value }))
    .filter((change) => change.before !== change.after);
}

// A view says where the change put an item, and not where it was before.
function placeChange(view: View, names: Names): readonly FieldChange[] {
  if (view.kind === "list" || view.place === null) return [];
  const { at, item_id: id } = view.place;
  const after = { first: "first", end: "at the end", after: id === null ? "elsewhere" : `after ${names.item(id)}` }[at];
  return [{ field: "place", before: null, after }];
}

/** One row of a diff in words; null where it shows neither a before nor an after. */
export function rowWords(change: RowChange, names: Names): RowWords | null {
  const view = change.after ?? change.before;
  if (view === null) return null;
  // The list of the row as it is now is named by the receipt; the board may not know a list that is gone.
  const named = (id: string): string =>
    view.kind === "item" && id === view.list_id && change.list_name !== null ? change.list_name : names.list(id);
  const title = view.kind === "list" ? view.name : view.title;
  const place = view.kind === "list" ? "list" : `in ${named(view.list_id)}`;
  if (change.before === null) return { kind: "added", title, place, fields: [] };
  if (change.after === null) return { kind: "removed", title, place, fields: [] };
  const fields = changedFields(fieldsOf(change.before, named), fieldsOf(change.after, named));
  return { kind: "changed", title, place, fields: [...fields, ...placeChange(change.after, names)] };
}
