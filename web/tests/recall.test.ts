import { describe, expect, it } from "vitest";

import { stepThrough, type Recall } from "../src/store/recall";

const asked = ["one", "two", "three"];

/** The texts that a walk shows, from a draft on. */
function walk(steps: string): (string | null)[] {
  let recall: Recall | null = null;
  let text = "draft";
  return Array.from(steps, (step) => {
    const found = stepThrough(asked, recall, text, step === "<" ? "back" : "forth");
    if (found === null) return null;
    ({ recall, text } = found);
    return text;
  });
}

describe("walking through earlier requests", () => {
  it("begins with the newest, ends at the oldest, and comes back to what was being written", () => {
    expect(walk("<<<<>>>>")).toEqual(["three", "two", "one", null, "two", "three", "draft", null]);
  });

  it("goes nowhere where there are none", () => {
    expect(stepThrough([], null, "draft", "back")).toBeNull();
    expect(stepThrough([], null, "draft", "forth")).toBeNull();
  });
});
