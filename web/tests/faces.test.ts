import { describe, expect, it } from "vitest";

import { OutcomeSchema, VerdictSchema } from "../src/connection/protocol";
import { faceOf, isVerified, type Ended, type FaceName } from "../src/ui/faces";
import { completed } from "./samples";

const VERDICTS = [...VerdictSchema.options, null];
const REASONS = [
  null, "model_prose", "question", "declined", "conflict", "changed_since", "stale_view", "which_item", "lists_alike", "which_list",
  "which_day", "confirm_deletion", "deletion_not_asked_for", "marking_not_asked_for", "no_question", "refuted", "__proto__", "toString",
];
const CANDIDATES = [[], [{ label: "milk", reply: "number 1" }]];
const TEXTS = ["Verified. Confirmed: it is done.", ""];

function ended(outcome: string, verdict: string | null, more: object = {}): Ended {
  return completed("t1", { outcome, receipt: { verdict }, ...more });
}

const ALL: readonly Ended[] = OutcomeSchema.options.flatMap((outcome) =>
  VERDICTS.flatMap((verdict) =>
    REASONS.flatMap((reason) =>
      CANDIDATES.flatMap((candidates) => TEXTS.map((text) => ended(outcome, verdict, { reason, candidates, text }))),
    ),
  ),
);

describe("of every end that there can be, the face", () => {
  it("is green, and says verified, only where outcome and verdict both are confirmed", () => {
    const green = ALL.filter((end) => faceOf(end).tone === "good");
    const proven = ALL.filter(({ outcome, receipt }) => outcome === "confirmed" && receipt.verdict === "confirmed");
    expect(green).toEqual(proven);
    expect(ALL.filter(isVerified)).toEqual(proven);
    expect(ALL.filter((end) => faceOf(end).label === "Verified")).toEqual(proven);
    expect(proven.length).toBeGreaterThan(0);
  });

  it("says that nothing was changed only where nothing was applied", () => {
    const denying = ALL.filter((end) => /nothing was changed|nothing of this was done|nothing had to/i.test(faceOf(end).note));
    expect(denying.length).toBeGreaterThan(0);
    expect(denying.filter(({ receipt }) => receipt.verdict !== null)).toEqual([]);
  });

  it("is bad where the second read refutes, whatever is claimed", () => {
    const refuted = ALL.filter(({ receipt }) => receipt.verdict === "refuted");
    expect(new Set(refuted.map((end) => faceOf(end).name))).toEqual(new Set(["refuted"]));
  });

  it("does not depend on the text", () => {
    for (const end of ALL) expect(faceOf({ ...end, text: "anything" } as Ended)).toEqual(faceOf(end));
  });

  it("has a sign, a word, a note and, but for what is done or answered, what to do next", () => {
    const silent = new Set<FaceName>(["verified", "already_so", "answered", "declined"]);
    for (const { name, icon, label, note, next } of ALL.map(faceOf)) {
      expect([icon, label, note].filter((part) => part === "")).toEqual([]);
      expect(next === null).toBe(silent.has(name));
    }
  });

  it("tells ends of different kinds apart by a word and not by colour alone", () => {
    const faces = new Map(ALL.map((end) => [faceOf(end).name, faceOf(end)]));
    const looks = [...faces.values()].map(({ label, note }) => `${label}: ${note}`);
    expect(new Set(looks).size).toBe(looks.length);
  });
});

const CHOICES = [{ label: "milk", reply: "number 1" }];
it.each<[FaceName, string, object]>([
  ["answered", "answered", { reason: "question" }],
  ["model_prose", "answered", { reason: "model_prose" }],
  ["which_one", "clarify", { reason: "which_item", candidates: CHOICES }],
  ["which_one", "clarify", { reason: "something newer", candidates: CHOICES }],
  ["which_list", "clarify", { reason: "which_list", candidates: CHOICES }],
  ["which_day", "clarify", { reason: "which_day", candidates: CHOICES }],
  ["sure", "clarify", { reason: "confirm_deletion", candidates: CHOICES }],
  ["sure", "clarify", { reason: "marking_not_asked_for", candidates: CHOICES }],
  ["say_more", "clarify", { reason: "which_item" }],
  ["no_question", "clarify", { reason: "no_question" }],
  ["conflict", "conflict", { reason: "conflict" }],
  ["changed_since", "conflict", { reason: "changed_since" }],
  ["cancelled", "cancelled", {}],
  ["declined", "cancelled", { reason: "declined" }],
  ["not_found", "not_found", { reason: "no_item" }],
  ["refused", "refused", { reason: "items_limit" }],
  ["failed", "failed", { reason: "model_unreachable" }],
])("the face %s is of %s with %j", (name, outcome, more) => {
  expect(faceOf(ended(outcome, null, more)).name).toBe(name);
});

it("a confirmed outcome without a verdict, and a verdict without the outcome, are not proven", () => {
  expect(faceOf(ended("confirmed", null)).name).toBe("not_proven");
  expect(faceOf(ended("failed", "confirmed")).name).toBe("contradiction");
  expect(faceOf(ended("confirmed", "unknown")).name).toBe("unknown");
});
