import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Outbox, type PendingTurn } from "../src/connection/outbox";
import { completed, fromGateway } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An outbox over a channel that is open, with what it asked, in order. */
function opened(): { outbox: Outbox; asked: string[]; silent: string[]; take: (message: object) => void } {
  const asked: string[] = [];
  const silent: string[] = [];
  const outbox = new Outbox({
    send: (turn) => asked.push(turn.turn_id) > 0,
    sent: () => {},
    doubted: () => {},
    refused: () => {},
    silent: (turnId) => silent.push(turnId),
  });
  outbox.opened();
  return { outbox, asked, silent, take: (message) => void outbox.take(fromGateway(message)) };
}

function pending(turnId: string): PendingTurn {
  return { turn_id: turnId, text: "add milk", traceparent: `00-${"1".repeat(32)}-${"1".repeat(16)}-01`, sent_at: "2026-11-22T12:00:00Z" };
}

const accepted = (id: string | undefined): object => ({ type: "turn.accepted", ref: id, turn_id: id });

describe("several turns", () => {
  const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);

  it("are eight at most that are asked at once, after a reconnect too, and still wait for their ends if they are refused then", () => {
    const { outbox, asked, take } = opened();
    for (const id of ids) outbox.add(pending(id));
    expect(asked).toEqual(ids.slice(0, 8));
    for (const id of ids) take(accepted(id));
    expect(asked).toEqual(ids);

    outbox.closed();
    outbox.opened();
    expect(asked.slice(20)).toEqual(ids.slice(0, 8));
    take({ type: "turn.rejected", code: "overloaded", turn_id: ids[0], retry_after_ms: 1_000 });
    take({ type: "error", code: "timeout", ref: ids[1] });
    expect(asked.slice(20)).toHaveLength(8);
    take(accepted(ids[2]));
    expect(asked.slice(28)).toEqual([ids[8]]);
    vi.advanceTimersByTime(1_000);
    expect(asked.slice(29)).toEqual([ids[0], ids[1]]);
    for (const id of ids) take(accepted(id));
    expect(new Set(asked.slice(20))).toEqual(new Set(ids));
  });

  it("are 32 at most; one of which nothing is heard for 180 s is given up and leaves its place", () => {
    const { outbox, asked, silent, take } = opened();
    const many = Array.from({ length: 32 }, (_, index) => `m${index}`);
    for (const id of many) {
      expect(outbox.add(pending(id))).toBe(true);
      take(accepted(id));
    }
    expect(outbox.add(pending("one more"))).toBe(false);
    vi.advanceTimersByTime(100_000);
    take({ type: "turn.phase", turn_id: many[1], phase: "plan", attempt: 1, elapsed_ms: 2 });
    vi.advanceTimersByTime(79_999);
    expect(silent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(silent).toEqual(many.filter((id) => id !== "m1"));
    expect(outbox.add(pending("one more"))).toBe(true);
    expect(asked.at(-1)).toBe("one more");
    take({ type: "turn.completed", turn: completed("m1") });
    vi.advanceTimersByTime(200_000);
    expect(silent).not.toContain("m1");
  });
});
