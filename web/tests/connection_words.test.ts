import { describe, expect, it } from "vitest";

import type { Obstacle } from "../src/connection/obstacle";
import { lossWords, mendingWords, pathWords, pillWords } from "../src/ui/connection_words";

const OBSTACLES: readonly Obstacle[] = [
  "unreachable",
  "cut_off",
  "unanswered",
  "unopened",
  "no_relay_offered",
  "relay_refused",
  "relay_full",
  "relay_unreachable",
  "relay_in_vain",
];

describe("why there is no connection", () => {
  const sentences = [
    ...OBSTACLES.map((obstacle) => lossWords({ code: "timeout", detail: "as the page put it", obstacle })),
    ...(["capacity", "unauthorised", "superseded", "unsupported_version"] as const).map((code) =>
      lossWords({ code, detail: "as the server put it" }),
    ),
  ];

  it("is told apart, in one sentence each, with what to do", () => {
    expect(new Set(sentences).size).toBe(13);
    for (const sentence of sentences) expect(sentence).toMatch(/^[A-Z][^.;]+; [^.;]+\.$/);
  });

  it("is the server's own sentence for any other code", () => {
    expect(lossWords({ code: "limit", detail: "you have 20 connections here already; close one, and try again" })).toBe(
      "You have 20 connections here already; close one, and try again.",
    );
  });
});

describe("the pill", () => {
  it("counts tries while it reconnects, whether one is under way or due", () => {
    const reason = { code: "timeout", detail: "late" } as const;
    expect(pillWords({ name: "signaling", attempt: 1, failures: 0, reason: null }, null)).toBe("Connecting");
    expect(pillWords({ name: "reconnecting", failures: 2, delayMs: 1, reason }, null)).toBe("Reconnecting · try 2");
    expect(pillWords({ name: "connecting", attempt: 3, failures: 2, reason }, null)).toBe("Reconnecting · try 2");
  });

  it("calls a path direct unless a relay carries it", () => {
    expect(pathWords({ local: "prflx", remote: "host", protocol: "tcp" })).toBe("direct");
    expect(pathWords({ local: "relay", remote: "host", protocol: "tls" })).toBe("relay/tls");
  });
});

describe("a connection that is being mended", () => {
  it.each(["unreachable", "cut_off"] as const)("is not told of where the socket closed (%s) once, and is where it did twice", (obstacle) => {
    const reason = { code: "unavailable", detail: "The server cannot be reached.", obstacle } as const;
    const told = (failures: number): boolean => mendingWords({ name: "reconnecting", failures, delayMs: 200, reason }) !== null;
    expect([told(1), told(2)]).toEqual([false, true]);
  });

  it("names the next try only where it is worth waiting for", () => {
    const reason = { code: "timeout", detail: "late" } as const;
    const next = (delayMs: number): unknown => mendingWords({ name: "reconnecting", failures: 3, delayMs, reason })?.next;
    expect([next(400), next(4_200)]).toEqual(["Trying again.", "Next try in 4 s."]);
  });
});
