/** How the end of a turn or an operation looks: computed from its receipt, never from its text. Pure. */

import type { OperationsCompleted, Outcome, TurnCompleted } from "../connection/protocol";
import type { IconName } from "./icons";
import { texts } from "./texts";
import type { Tone } from "./words";

export type FaceName = keyof typeof texts.receipt.faces;

export interface Face {
  readonly name: FaceName;
  readonly tone: Tone;
  readonly icon: IconName;
  readonly label: string;
  readonly note: string;
  /** What its reader can do now; null where nothing needs doing. */
  readonly next: string | null;
}

/** What turns and operations end with alike. */
export type Ended = Pick<OperationsCompleted, "outcome" | "reason" | "receipt"> & Partial<Pick<TurnCompleted, "candidates">>;

const LOOKS: Readonly<Record<FaceName, readonly [Tone, IconName]>> = {
  verified: ["good", "verified"],
  already_so: ["plain", "equal"],
  answered: ["info", "info"],
  model_prose: ["plain", "quote"],
  which_one: ["info", "help"],
  which_list: ["info", "help"],
  which_day: ["info", "help"],
  sure: ["warn", "help"],
  say_more: ["info", "help"],
  no_question: ["plain", "help"],
  not_found: ["plain", "search"],
  refused: ["plain", "ban"],
  conflict: ["warn", "people"],
  changed_since: ["warn", "people"],
  cancelled: ["plain", "ban"],
  declined: ["plain", "ban"],
  refuted: ["bad", "not_equal"],
  failed: ["bad", "alert"],
  unknown: ["warn", "question"],
  not_proven: ["warn", "alert"],
  contradiction: ["warn", "alert"],
};

const BY_OUTCOME: Readonly<Record<Outcome, FaceName>> = {
  confirmed: "not_proven", // but for the one case below
  already_so: "already_so",
  answered: "answered",
  clarify: "which_one",
  not_found: "not_found",
  refused: "refused",
  conflict: "conflict",
  cancelled: "cancelled",
  refuted: "refuted",
  failed: "failed",
  unknown: "unknown",
};

// Where the reason says more than the outcome. Other reasons change nothing.
const BY_REASON: ReadonlyMap<string, FaceName> = new Map([
  ["answered model_prose", "model_prose"],
  ["cancelled declined", "declined"],
  ["conflict changed_since", "changed_since"],
  ["clarify which_list", "which_list"],
  ["clarify which_day", "which_day"],
  ["clarify confirm_deletion", "sure"],
  ["clarify deletion_not_asked_for", "sure"],
  ["clarify marking_not_asked_for", "sure"],
  ["clarify no_question", "no_question"],
]);

function nameOf({ outcome, reason, candidates = [], receipt: { verdict } }: Ended): FaceName {
  // What was read outweighs what is said, and the worse of the two counts.
  if (outcome === "refuted" || verdict === "refuted") return "refuted";
  if (outcome === "unknown" || verdict === "unknown") return "unknown";
  if (verdict === "confirmed") return outcome === "confirmed" ? "verified" : "contradiction";
  const name = BY_REASON.get(`${outcome} ${reason}`) ?? BY_OUTCOME[outcome];
  return outcome === "clarify" && name !== "no_question" && candidates.length === 0 ? "say_more" : name;
}

/** The face of an end. It is green only where the outcome is confirmed and the second read's verdict is, too. */
export function faceOf(ended: Ended): Face {
  const name = nameOf(ended);
  const [tone, icon] = LOOKS[name];
  return { name, tone, icon, ...texts.receipt.faces[name] };
}

/** Whether the second read has shown what was planned. */
export function isVerified(ended: Ended): boolean {
  return nameOf(ended) === "verified";
}
