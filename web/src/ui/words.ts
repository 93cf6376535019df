/** Outcomes, times and fields in words. Pure. */

import type { Outcome, Phase, RowChange, TurnCompleted, WaitsFor } from "../connection/protocol";
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

const SURE: Face = { ...FACES.clarify, label: "Are you sure?" };

/** How a turn's end looks. Only a verdict of the second read makes it green, never the outcome's word alone. */
export function faceOf({ outcome, reason, receipt }: Pick<TurnCompleted, "outcome" | "reason" | "receipt">): Face {
  if (outcome === "clarify" && reason === "confirm_deletion") return SURE;
  return outcome === "confirmed" && receipt.verdict !== "confirmed" ? NO_PROOF : FACES[outcome];
}

/** What is said of a turn that was sent and not answered yet. */
export function sendingWords(connected: boolean, problem: Reason | null): string {
  if (!connected) return "Waiting for the connection";
  return problem === null ? "Sending" : "Not known yet; asking again";
}

export const PHASE_WORDS: Readonly<Record<Phase, string>> = { plan: "PLAN", execute: "EXECUTE", confirm: "CONFIRM" };

/** What is said beside a step that takes long. */
export const WAITING_WORDS: Readonly<Record<WaitsFor, string>> = {
  model: "waiting for the language model",
  store: "waiting for the database",
};

/** 0.42 ms, 12 ms, 1.3 s. */
export function duration(ms: number): string {
  if (ms < 10) return `${Number(ms.toPrecision(2))} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** A day as it is; a moment in the reader's own zone. */
export function dueWords(due: string): string {
  return due.includes("T") ? new Date(due).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : due;
}

const PREDICATE = /^(is|are|has|was|holds|begins|gives|changes|may|comes|reads|cannot) /;
// What a person calls the fields of the messages that the page sends for them.
const SUBJECTS: ReadonlyMap<string, string> = new Map([
  ["text", "your request"],
  ["turn_id", "your request"],
  ["time_zone", "the time zone of this page"],
]);

/**
 * A reason as a sentence. The server's details are what can be said of a field ("is empty; write ...") or a clause of
 * their own ("no gateway can take another session now; try again").
 */
export function reasonWords({ code, detail, field }: Reason): string {
  if (detail === "") return `The server gave the reason “${code}”.`;
  const isPredicate = PREDICATE.test(detail);
  const whole = isPredicate ? `${SUBJECTS.get(field ?? "") ?? "the message"} ${detail}` : detail;
  return whole.charAt(0).toUpperCase() + whole.slice(1) + (/[.!?]$/.test(whole) ? "" : ".");
}

export function isStandIn(modelName: string): boolean {
  return /stand-?in/i.test(modelName);
}

export interface FieldChange {
  readonly field: string;
  /** Null where it is not known. */
  readonly before: string | null;
  /** Null where the row is gone. */
  readonly after: string | null;
}

export interface RowWords {
  readonly kind: "added" | "removed" | "changed";
  readonly title: string;
  /** The name of the list that it is in; null where it is a list itself. */
  readonly list: string | null;
  readonly fields: readonly FieldChange[];
}

/** How rows are called that a receipt only gives the ids of. */
export type Names = ReadonlyMap<string, string>;

type View = NonNullable<RowChange["after"]>;
/** Null where a field is not set. */
type Fields = ReadonlyMap<string, string | null>;

/** The ids of the rows that have to be named for this change. */
export function idsNamedIn({ before, after }: RowChange): readonly string[] {
  const items = [before, after].filter((view) => view?.kind === "item");
  return items.flatMap(({ list_id, place }) => [list_id, place?.item_id ?? []].flat());
}

// What can be set on an item besides where it is and what it is called.
function settingsOf(view: View): Fields {
  if (view.kind === "list") return new Map();
  return new Map([
    ["due", view.due === null ? null : dueWords(view.due)],
    ["priority", view.priority === "none" ? null : view.priority],
    ["notes", view.notes === "" ? null : view.notes],
  ]);
}

function fieldsOf(view: View, listName: (id: string) => string): Fields {
  if (view.kind === "list") return new Map([["name", view.name]]);
  return new Map([
    ["title", view.title],
    ["list", listName(view.list_id)],
    ["state", view.done ? "done" : "open"],
    ...settingsOf(view),
  ]);
}

function changedFields(before: Fields, after: Fields): readonly FieldChange[] {
  return [...after]
    .filter(([field, value]) => value !== (before.get(field) ?? null))
    .map(([field, value]) => ({ field, before: before.get(field) ?? "none", after: value ?? "none" }));
}

/** The fields that are set on a row that is new or gone; that it is open goes without saying. */
function setFields(view: View): readonly (readonly [string, string])[] {
  const done: Fields = new Map([["state", view.kind === "item" && view.done ? "done" : null]]);
  return [...done, ...settingsOf(view)].flatMap(([field, value]) => (value === null ? [] : [[field, value] as const]));
}

// A view says where the change put an item, and not where it was before.
function placeChange(view: View, names: Names): readonly FieldChange[] {
  if (view.kind === "list" || view.place === null) return [];
  const { at, item_id: id } = view.place;
  const behind = id === null ? "elsewhere" : `after ${names.get(id) ?? "another item"}`;
  return [{ field: "place", before: null, after: { first: "first", end: "at the end", after: behind }[at] }];
}

/** One row of a diff in words; null where it shows neither a before nor an after. */
export function rowWords(change: RowChange, names: Names): RowWords | null {
  const view = change.after ?? change.before;
  if (view === null) return null;
  // The list of the row as it is now is named by the receipt; the board may not know a list that is gone.
  const named = (id: string): string =>
    view.kind === "item" && id === view.list_id && change.list_name !== null
      ? change.list_name
      : (names.get(id) ?? "another list");
  const title = view.kind === "list" ? view.name : view.title;
  const list = view.kind === "list" ? null : named(view.list_id);
  if (change.before === null) {
    const fields = setFields(view).map(([field, after]) => ({ field, before: null, after }));
    return { kind: "added", title, list, fields };
  }
  if (change.after === null) {
    const fields = setFields(view).map(([field, before]) => ({ field, before, after: null }));
    return { kind: "removed", title, list, fields };
  }
  const fields = changedFields(fieldsOf(change.before, named), fieldsOf(change.after, named));
  return { kind: "changed", title, list, fields: [...fields, ...placeChange(change.after, names)] };
}
