import { describe, expect, it } from "vitest";

import type { ConnectionState } from "../src/connection/state";
import type { Obstacle } from "../src/connection/obstacle";
import {
  bytesWords,
  lossWords,
  mendingWords,
  nextWords,
  pathMeaning,
  pathWords,
  pillWords,
  wayBack,
} from "../src/ui/connection_words";

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
  it("says that it reconnects whether an attempt is under way or due, and that there is no network where that is known", () => {
    const reason = { code: "timeout", detail: "late" } as const;
    const words = (state: ConnectionState, online = true): string => pillWords(state, null, online).state;
    expect(words({ name: "signaling", attempt: 1, failures: 0, reason: null })).toBe("Connecting");
    for (const state of [
      { name: "reconnecting", failures: 2, delayMs: 1, reason },
      { name: "connecting", attempt: 3, failures: 2, reason },
    ] as const) {
      expect(words(state)).toBe("Reconnecting");
      expect(words(state, false)).toBe("Offline");
    }
  });

  it("is Offline only where there is no connection: a server on this machine needs no network", () => {
    expect(pillWords({ name: "connected", attempt: 1, failures: 0, rttMs: 1 }, null, false).state).toBe("Connected");
  });

  it.each([
    [{ local: "host", remote: "host", protocol: "udp" }, "host", /direct/],
    [{ local: "srflx", remote: "host", protocol: "udp" }, "srflx", /router/],
    [{ local: "relay", remote: "host", protocol: "udp" }, "relay/udp", /relay/],
    [{ local: "relay", remote: "prflx", protocol: "tcp" }, "relay/tcp", /relay/],
    [{ local: "host", remote: "relay", protocol: "udp" }, "relay/udp", /relay/],
  ] as const)("names the path %o %s, and says what that means", (path, name, meaning) => {
    expect(pathWords(path)).toBe(name);
    expect(pathMeaning(path)).toMatch(meaning);
  });
});

describe("a connection that is being mended", () => {
  it.each(["unreachable", "cut_off"] as const)("is not told of where the socket closed (%s) once, and is where it did twice", (obstacle) => {
    const reason = { code: "unavailable", detail: "The server cannot be reached.", obstacle } as const;
    const told = (failures: number): boolean => mendingWords({ name: "reconnecting", failures, delayMs: 200, reason }, true) !== null;
    expect([told(1), told(2)]).toEqual([false, true]);
  });

  it("that has no network says so from the first loss on, and that what is written is kept", () => {
    const reason = { code: "unavailable", detail: "The server cannot be reached.", obstacle: "unreachable" } as const;
    expect(mendingWords({ name: "reconnecting", failures: 1, delayMs: 200, reason }, false)).toMatch(/offline.*is kept/);
    expect(mendingWords({ name: "connected", attempt: 1, failures: 0, rttMs: 1 }, false)).toBeNull();
  });

  it("counts down to the next attempt, and says that one is made when it is", () => {
    const reason = { code: "timeout", detail: "late" } as const;
    const due = { name: "reconnecting", failures: 3, delayMs: 4_200, reason } as const;
    expect([nextWords(due, 4), nextWords(due, 0), nextWords(due, null)]).toEqual([
      "Next attempt in 4 s.",
      "Trying again.",
      "Trying again.",
    ]);
    expect(nextWords({ name: "signaling", attempt: 4, failures: 3, reason }, 4)).toBe("Trying again.");
  });
});

describe("a connection that may use a relay only", () => {
  it.each(["no_relay_offered", "relay_refused", "relay_full", "relay_unreachable"] as const)(
    "and cannot (%s) says that it was told to, and what is missing",
    (obstacle) => {
      const reason = { code: "connect_failed", detail: "no", obstacle, relayOnly: true } as const;
      expect(lossWords(reason)).toMatch(/^Only a relay may be used \(“force relay” is on\), and [^.;]+; [^.;]+( \(TURN_URLS and TURN_SECRET, as docs\/network.md tells\))?\.$/);
      expect(wayBack(reason)).toEqual({ label: "Allow any way", way: "any_way" });
      const waiting = { name: "waiting", failures: 1, delayMs: 100, reason } as const;
      expect(mendingWords({ name: "connected", attempt: 1, failures: 0, rttMs: 1, move: waiting }, true)).toBe(lossWords(reason));
    },
  );
});

describe("an amount of bytes", () => {
  it("has at most three figures from a thousand on", () => {
    expect([0, 999, 1_000, 4_249, 99_960, 999_499, 999_500, 2_345_678].map(bytesWords)).toEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "4.2 kB",
      "100 kB",
      "999 kB",
      "1.0 MB",
      "2.3 MB",
    ]);
  });
});
