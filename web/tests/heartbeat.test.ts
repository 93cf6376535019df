import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Heartbeat } from "../src/connection/heartbeat";
import { seeded } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A heartbeat against a peer that answers after `rttMs` while `alive`. */
function beating(rttMs = 20): { heartbeat: Heartbeat; peer: { alive: boolean }; deaths: number[]; pings: string[] } {
  const peer = { alive: true };
  const deaths: number[] = [];
  const pings: string[] = [];
  const heartbeat = new Heartbeat({
    ping: (id) => {
      pings.push(id);
      if (peer.alive) setTimeout(() => heartbeat.pong(id), rttMs);
    },
    measured: () => {},
    missed: () => {},
    dead: () => deaths.push(Date.now()),
  });
  heartbeat.start();
  return { heartbeat, peer, deaths, pings };
}

/** The clock goes on, and no timer runs: a machine that sleeps, or a page that is frozen. */
function freeze(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

describe("a heartbeat", () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))("notices a death at any moment within 10 s (seed %i)", async (seed) => {
    const random = seeded(seed);
    const { peer, deaths } = beating(random() * 2_500);
    await vi.advanceTimersByTimeAsync(random() * 20_000);
    expect(deaths).toEqual([]);
    peer.alive = false;
    const diedAt = Date.now();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(deaths).toHaveLength(1);
    expect(Math.max(...deaths) - diedAt).toBeLessThanOrEqual(10_000);
  });

  it("does not take a beat that is late for silence: a tab in the background beats less often", async () => {
    const { heartbeat, deaths } = beating();
    for (let beat = 0; beat < 20; beat += 1) {
      freeze(60_000);
      await vi.advanceTimersByTimeAsync(3_000);
    }
    expect(deaths).toEqual([]);
    heartbeat.stop();
  });

  it("asks at once when it is told to, and waits 2 s for the answer", async () => {
    const { heartbeat, peer, deaths, pings } = beating();
    await vi.advanceTimersByTimeAsync(1_000);
    heartbeat.probe();
    heartbeat.probe();
    expect(pings).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(deaths).toEqual([]);
    peer.alive = false;
    heartbeat.probe();
    await vi.advanceTimersByTimeAsync(1_999);
    expect(deaths).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(deaths).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(deaths).toHaveLength(1);
  });

  it("takes only an answer to the probe, not one that was under way before, for a sign of life", async () => {
    const { heartbeat, peer, deaths, pings } = beating();
    await vi.advanceTimersByTimeAsync(1_000);
    peer.alive = false;
    await vi.advanceTimersByTimeAsync(2_000);
    heartbeat.probe();
    heartbeat.pong(pings.at(-2) ?? "");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(deaths).toHaveLength(1);
  });

  it("asks at once after it was frozen, when the page is looked at or when it runs on", async () => {
    const looked = beating();
    await vi.advanceTimersByTimeAsync(1_000);
    looked.heartbeat.woke();
    expect(looked.pings).toHaveLength(1);
    looked.peer.alive = false;
    freeze(30_000);
    looked.heartbeat.woke();
    expect(looked.pings).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(looked.deaths).toHaveLength(1);

    const ran = beating();
    await vi.advanceTimersByTimeAsync(1_000);
    ran.peer.alive = false;
    freeze(30_000);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(ran.deaths).toHaveLength(1);
  });
});
