import { describe, expect, it } from "vitest";

import { Assembler, byteLength, FrameError, split } from "../src/connection/frames";
import { FRAME_MAX_BYTES, MESSAGE_IN_MAX_BYTES, MESSAGE_OUT_MAX_BYTES, PIECE_CHARS } from "../src/connection/protocol";
import { seeded } from "./samples";

const ALPHABETS = ["abc ", '"\\', "\u0000\u0007\n\t", "äöüß", "漢字かな", "😀👩‍👩‍👧‍👦", "\ud800", "\u007f\u0080\u2028"] as const;

function assembled(frames: readonly string[], limit = MESSAGE_OUT_MAX_BYTES): unknown {
  const assembler = new Assembler(limit);
  const results = frames.map((frame) => assembler.feed(frame));
  expect(results.slice(0, -1).every((result) => result === null)).toBe(true);
  return results.at(-1);
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

function piece(part: number, last = false, id = "m", data = "{}"): string {
  return JSON.stringify({ id, part, last, data });
}

describe("split and Assembler", () => {
  it("give back any message, in frames within the limit", () => {
    const random = seeded(20261122);
    for (let round = 0; round < 200; round += 1) {
      const alphabet = Array.from(ALPHABETS[Math.floor(random() * ALPHABETS.length)] ?? "a");
      const length = Math.floor(random() ** 2 * 5_000);
      const text = Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
      const message = { type: "turn.start", text };
      const frames = split(message, "x".repeat(64));
      for (const frame of frames) expect(byteLength(frame)).toBeLessThanOrEqual(FRAME_MAX_BYTES);
      expect(assembled(frames)).toEqual(message);
    }
  });

  it("leaves a message of exactly the limit whole and cuts one of a byte more", () => {
    const rest = byteLength(JSON.stringify({ type: "t", text: "" }));
    const whole = { type: "t", text: "a".repeat(FRAME_MAX_BYTES - rest) };
    expect(split(whole, "m")).toHaveLength(1);
    const cut = split({ ...whole, text: `${whole.text}a` }, "m");
    expect(cut.map((frame) => (JSON.parse(frame) as { part: number }).part)).toEqual([0, 1, 2]);
    expect(assembled(cut)).toEqual({ ...whole, text: `${whole.text}a` });
  });

  it("never cuts a character in two: pieces are ASCII", () => {
    const frames = split({ type: "t", text: "😀".repeat(5_000) }, "m");
    expect(frames.length).toBeGreaterThan(1);
    // oxlint-disable-next-line no-control-regex -- that is the test
    for (const frame of frames) expect(frame).toMatch(/^[\u0000-\u007f]+$/);
  });

  it("refuses to send what the gateway would refuse", () => {
    expect(codeOf(() => split({ text: "a".repeat(MESSAGE_IN_MAX_BYTES) }, "m"))).toBe("too_large");
  });
});

describe("Assembler", () => {
  it("keeps messages apart that arrive in turns", () => {
    const a = split({ type: "a", text: "a".repeat(20_000) }, "a");
    const b = split({ type: "b", text: "b".repeat(20_000) }, "b");
    const assembler = new Assembler(MESSAGE_OUT_MAX_BYTES);
    const results = a.flatMap((frame, index) => [assembler.feed(frame), assembler.feed(b[index] ?? "")]);
    expect(results.filter((result) => result !== null).map((result) => result["type"])).toEqual(["a", "b"]);
  });

  it.each([
    ["a binary frame", new ArrayBuffer(4), "invalid"],
    ["an oversized frame", "a".repeat(FRAME_MAX_BYTES + 1), "too_large"],
    ["no JSON", "{", "invalid"],
    ["no object", "[1]", "invalid"],
    ["null", "null", "invalid"],
    ["a piece without data", JSON.stringify({ id: "m", part: 0, last: true }), "invalid"],
    ["a piece that is not the first", piece(1), "invalid"],
    ["pieces that make no JSON", piece(0, true, "m", "{"), "invalid"],
  ])("refuses %s", (_, frame, code) => {
    expect(codeOf(() => new Assembler(100).feed(frame))).toBe(code);
  });

  it("forgets a message whose pieces are out of order, and takes it when it is sent again", () => {
    const assembler = new Assembler(100);
    assembler.feed(piece(0));
    expect(codeOf(() => assembler.feed(piece(2)))).toBe("invalid");
    expect(assembler.feed(piece(0, true))).toEqual({});
  });

  it("bounds a message and the number of unfinished ones", () => {
    const assembler = new Assembler(PIECE_CHARS);
    assembler.feed(piece(0, false, "big", "a".repeat(PIECE_CHARS)));
    expect(codeOf(() => assembler.feed(piece(1, false, "big", "a")))).toBe("too_large");
    for (const id of ["1", "2", "3", "4"]) assembler.feed(piece(0, false, id));
    expect(codeOf(() => assembler.feed(piece(0, false, "5")))).toBe("limit");
  });
});
