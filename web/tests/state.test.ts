import { describe, expect, it } from "vitest";

import {
  backoffMs,
  IDLE,
  next,
  refusalOf,
  servingAttempt,
  tryingAttempt,
  waitOf,
  type ConnectionEvent,
  type ConnectionState,
} from "../src/connection/state";
import { seeded } from "./samples";

const reason = { code: "unavailable", detail: "gone" } as const;
const final = { code: "superseded", detail: "another tab" } as const;

function after(...events: readonly ConnectionEvent[]): ConnectionState {
  return events.reduce(next, IDLE);
}

const start = (attempt = 1): ConnectionEvent => ({ type: "start", attempt });
const replace = (attempt: number): ConnectionEvent => ({ type: "replace", attempt });
const ready = (attempt = 1): ConnectionEvent => ({ type: "ready", attempt });
const open = (attempt = 1): readonly ConnectionEvent[] => [start(attempt), ready(attempt), { type: "opened", attempt }];
const measured = (attempt = 1): ConnectionEvent => ({ type: "measured", attempt, rttMs: 4 });
const refused = (attempt = 1): ConnectionEvent => ({ type: "refused", attempt, reason: final });

function lost(attempt = 1, chance = 0.5, retryAfterMs = 0): ConnectionEvent {
  return { type: "lost", attempt, reason, chance, retryAfterMs };
}

function draining(attempt = 1, chance = 0.5, retryAfterMs = 0): ConnectionEvent {
  return { type: "draining", attempt, chance, retryAfterMs };
}

describe("the connection", () => {
  it("goes from idle over signaling and connecting to connected", () => {
    expect(after(start()).name).toBe("signaling");
    expect(after(start(), ready()).name).toBe("connecting");
    expect(after(...open())).toEqual({ name: "connected", attempt: 1, failures: 0, rttMs: null });
    expect(after(...open(), measured())).toEqual({ name: "connected", attempt: 1, failures: 0, rttMs: 4 });
  });

  it("waits longer with each failure and forgets failures only after a pong", () => {
    const thrice = after(start(1), lost(1), start(2), lost(2), ...open(3), lost(3));
    expect(thrice).toMatchObject({ name: "reconnecting", failures: 3, delayMs: 1_000 });
    const proven = after(start(1), lost(1), ...open(2), measured(2), lost(2));
    expect(proven).toMatchObject({ name: "reconnecting", failures: 1, delayMs: 250 });
  });

  it("knows why it was lost while it is made anew, and no longer than that", () => {
    expect(after(start(1), lost(1), start(2))).toMatchObject({ name: "signaling", reason });
    expect(after(start(1), lost(1), start(2), ready(2))).toMatchObject({ name: "connecting", reason });
    expect(after(start(1), lost(1), ...open(2))).not.toHaveProperty("reason");
  });

  it("waits as long as the server asks, up to a minute, and its own jitter on top", () => {
    expect(after(start(), lost(1, 0, 3_000))).toMatchObject({ delayMs: 3_000 });
    expect(after(start(), lost(1, 0.5, 3_000))).toMatchObject({ delayMs: 3_250 });
    expect(after(start(), lost(1, 0, 10 ** 9))).toMatchObject({ delayMs: 60_000 });
  });

  it("ends as failed when refused, and starts again only when asked to", () => {
    const failed = after(...open(), refused());
    expect(failed).toEqual({ name: "failed", reason: final });
    expect(next(failed, lost())).toBe(failed);
    expect(next(failed, start(2))).toEqual({ name: "signaling", attempt: 2, failures: 0, reason: null });
  });
});

describe("a server that is going", () => {
  const moving = after(...open(1), measured(1), draining(1), ...open(2).slice(0, 2));

  it("is left for a new attempt while the old channel serves, and let go when the new one is open", () => {
    expect(after(...open(1), draining(1))).toMatchObject({ name: "connected", attempt: 1, move: { name: "waiting" } });
    expect(moving).toMatchObject({ name: "connected", attempt: 1, rttMs: 4, move: { name: "connecting", attempt: 2 } });
    expect(next(moving, measured(1))).toMatchObject({ attempt: 1, move: { attempt: 2 } });
    const moved = next(moving, { type: "opened", attempt: 2 });
    expect(moved).toEqual({ name: "connected", attempt: 2, failures: 0, rttMs: null });
    expect(next(moved, lost(1))).toBe(moved);
    expect(next(moved, draining(2))).toMatchObject({ attempt: 2, move: { name: "waiting" } });
  });

  it("is asked again after the time that it named, with jitter, and later with each failure", () => {
    expect(waitOf(after(...open(1), draining(1, 0.5, 2_000)))).toMatchObject({ delayMs: 2_250 });
    const thrice = [draining(1), start(2), lost(2), start(3), lost(3), start(4), lost(4)];
    expect(after(...open(1), ...thrice)).toMatchObject({ name: "connected", move: { failures: 3, delayMs: 1_000 } });
  });

  it("says so twice without another attempt", () => {
    expect(next(moving, draining(1))).toBe(moving);
  });

  it("may end before the new channel is open: then it is that one that is waited for", () => {
    expect(next(moving, lost(1))).toEqual({ name: "connecting", attempt: 2, failures: 0, reason });
    expect(after(...open(1), draining(1), lost(1))).toMatchObject({ name: "reconnecting", failures: 1 });
  });

  it("may say `superseded` of the old channel, which the new one did; of the newest, it is final", () => {
    expect(next(moving, refused(1))).toMatchObject({ name: "connecting", attempt: 2 });
    expect(after(...open(1), draining(1), refused(1))).toEqual({ name: "failed", reason: final });
    const opened = next(moving, { type: "opened", attempt: 2 });
    expect(next(opened, refused(2))).toEqual({ name: "failed", reason: final });
  });

  it("serves on where the new attempt is refused for good, and no other is made until the person asks", () => {
    const kept = next(moving, refused(2));
    expect(kept).toMatchObject({ name: "connected", attempt: 1, move: { name: "refused" } });
    expect(refusalOf(kept)).toBe(final);
    expect(waitOf(kept)).toBeNull();
    expect(next(kept, draining(1))).toBe(kept);
    expect(next(kept, lost(1))).toEqual({ name: "failed", reason: final });
    expect(tryingAttempt(next(kept, start(3)))).toBe(3);
  });
});

describe("a new attempt that has to be made", () => {
  it("is made beside the channel that serves, which goes when the new one is open", () => {
    const beside = after(...open(1), measured(1), replace(2));
    expect(beside).toMatchObject({ name: "connected", attempt: 1, rttMs: 4, move: { name: "signaling", attempt: 2, failures: 0 } });
    expect(after(...open(1), replace(2), ready(2), { type: "opened", attempt: 2 })).toMatchObject({ name: "connected", attempt: 2 });
  });

  it("takes the place of one under way, of one that is due, and of none", () => {
    expect(after(start(1), ready(1), replace(2))).toMatchObject({ name: "signaling", attempt: 2 });
    expect(after(...open(1), draining(1), start(2), ready(2), replace(3))).toMatchObject({ attempt: 1, move: { name: "signaling", attempt: 3 } });
    expect(after(start(1), lost(1), replace(2))).toMatchObject({ name: "signaling", attempt: 2, failures: 1, reason });
    expect(after(start(1), refused(1), replace(2))).toMatchObject({ name: "signaling", attempt: 2 });
  });

  it("that fails is made again later, and why it failed is known while the old channel serves", () => {
    expect(after(...open(1), replace(2), lost(2))).toMatchObject({ attempt: 1, move: { name: "waiting", failures: 1, reason } });
  });
});

describe("any sequence of events", () => {
  const legal: Readonly<Record<string, readonly string[]>> = {
    idle: ["signaling"],
    signaling: ["signaling", "connecting", "reconnecting", "failed", "idle"],
    connecting: ["signaling", "connected", "reconnecting", "failed", "idle"],
    connected: ["connected", "connecting", "signaling", "reconnecting", "failed", "idle"],
    reconnecting: ["signaling", "idle"],
    failed: ["signaling", "idle"],
  };
  const kinds = ["start", "replace", "ready", "opened", "measured", "missed", "draining", "lost", "refused", "stop"] as const;

  function anyEvent(random: () => number, newest: number): ConnectionEvent {
    const type = kinds[Math.floor(random() * (random() < 0.05 ? kinds.length : kinds.length - 1))] ?? "stop";
    const attempt = type === "start" || type === "replace" ? newest + 1 : Math.max(1, newest - Math.floor(random() * 3));
    const [chance, retryAfterMs, rttMs, silentMs] = [random(), random() < 0.5 ? 0 : 1_000, 1, 3_000];
    return type === "stop" ? { type } : { type, attempt, chance, retryAfterMs, rttMs, silentMs, reason: type === "refused" ? final : reason };
  }

  it.each(Array.from({ length: 20 }, (_, seed) => seed))("keeps the promises (seed %i)", (seed) => {
    const random = seeded(seed);
    const ended = new Set<number>();
    const broken: string[] = [];
    let state: ConnectionState = IDLE;
    let newest = 0;
    for (let step = 0; step < 2_000; step += 1) {
      const event = anyEvent(random, newest);
      const moved = next(state, event);
      const [serving, trying] = [servingAttempt(moved), tryingAttempt(moved)];
      const says = (what: string): number => broken.push(`${what}: ${JSON.stringify([state, event, moved])}`);
      const asks = event.type === "start" || event.type === "replace";
      if (asks && trying === event.attempt) newest = event.attempt;
      if (event.type === "replace" && trying !== event.attempt) says("an attempt that had to be made is not");
      if (event.type === "replace" && serving !== servingAttempt(state)) says("what serves was let go of for it");

      if (moved !== state && legal[state.name]?.includes(moved.name) !== true) says("an illegal move");
      if (trying !== null && trying !== newest) says("an attempt that is made is not the newest");
      if (serving !== null && trying !== null && serving >= trying) says("the old channel is not the older");
      if (trying !== null && waitOf(moved) !== null) says("waits while an attempt is made");
      for (const alive of [serving, trying]) if (alive !== null && ended.has(alive)) says("an attempt came back");
      for (const before of [servingAttempt(state), tryingAttempt(state)]) {
        if (before !== null && before !== serving && before !== trying) ended.add(before);
      }
      const isLost = moved.name === "reconnecting" || trying !== null;
      if (serving === null && !isLost && refusalOf(moved) === null && event.type !== "stop" && state.name !== "idle") {
        says("nothing serves, and nothing is done about it");
      }
      const wasFinal = refusalOf(state) !== null && !asks && event.type !== "stop";
      if (wasFinal && (refusalOf(moved) === null || trying !== null || waitOf(moved) !== null)) says("final did not stay final");
      state = moved;
    }
    expect(broken).toEqual([]);
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
