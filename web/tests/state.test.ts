import { describe, expect, it } from "vitest";

import { backoffMs, IDLE, next, type ConnectionEvent, type ConnectionState } from "../src/connection/state";
import { seeded } from "./samples";

const reason = { code: "unavailable", detail: "gone" } as const;

function after(...events: readonly ConnectionEvent[]): ConnectionState {
  return events.reduce(next, IDLE);
}

function lost(chance = 0.5, retryAfterMs = 0): ConnectionEvent {
  return { type: "lost", reason, chance, retryAfterMs };
}

const opened: readonly ConnectionEvent[] = [{ type: "start" }, { type: "ready" }, { type: "opened" }];

describe("the connection", () => {
  it("goes from idle over signaling and connecting to connected", () => {
    expect(after({ type: "start" }).name).toBe("signaling");
    expect(after({ type: "start" }, { type: "ready" }).name).toBe("connecting");
    expect(after(...opened)).toEqual({ name: "connected", failures: 0, rttMs: null });
    expect(after(...opened, { type: "measured", rttMs: 4 })).toEqual({ name: "connected", failures: 0, rttMs: 4 });
  });

  it("waits longer with each failure and forgets failures only after a pong", () => {
    const thrice = after({ type: "start" }, lost(), { type: "start" }, lost(), ...opened, lost());
    expect(thrice).toMatchObject({ name: "reconnecting", failures: 3, delayMs: 1_000 });
    const proven = after({ type: "start" }, lost(), ...opened, { type: "measured", rttMs: 1 }, lost());
    expect(proven).toMatchObject({ name: "reconnecting", failures: 1, delayMs: 250 });
  });

  it("waits at least as long as the server asks, up to a minute", () => {
    expect(after({ type: "start" }, lost(0, 3_000))).toMatchObject({ delayMs: 3_000 });
    expect(after({ type: "start" }, lost(0, 10 ** 9))).toMatchObject({ delayMs: 60_000 });
  });

  it("ends as failed when refused, and starts again only when asked to", () => {
    const failed = after(...opened, { type: "refused", reason });
    expect(failed).toEqual({ name: "failed", reason });
    expect(next(failed, lost())).toBe(failed);
    expect(next(failed, { type: "start" })).toEqual({ name: "signaling", failures: 0 });
  });

  it("leaves a state alone on an event that makes no sense in it", () => {
    const random = seeded(7);
    const events: readonly ConnectionEvent[] = [
      ...opened,
      { type: "measured", rttMs: 1 },
      { type: "missed", silentMs: 3_000 },
      lost(),
      { type: "refused", reason },
      { type: "stop" },
    ];
    const legal: Readonly<Record<string, readonly string[]>> = {
      idle: ["signaling"],
      signaling: ["connecting", "reconnecting", "failed", "idle"],
      connecting: ["connected", "reconnecting", "failed", "idle"],
      connected: ["connected", "reconnecting", "failed", "idle"],
      reconnecting: ["signaling", "idle"],
      failed: ["signaling", "idle"],
    };
    const illegal: string[] = [];
    let state: ConnectionState = IDLE;
    for (let step = 0; step < 2_000; step += 1) {
      const event = events[Math.floor(random() * events.length)] ?? { type: "stop" };
      const moved = next(state, event);
      const isLegal = moved === state || legal[state.name]?.includes(moved.name) === true;
      if (!isLegal) illegal.push(`${state.name} on ${event.type} to ${moved.name}`);
      state = moved;
    }
    expect(illegal).toEqual([]);
  });
});

describe("backoffMs", () => {
  it("jitters fully under a ceiling from 0.5 s to 10 s", () => {
    expect([1, 2, 3, 4, 5, 6, 50].map((failures) => backoffMs(failures, 1))).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
    expect(backoffMs(9, 0)).toBe(0);
  });
});
