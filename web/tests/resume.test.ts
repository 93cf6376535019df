import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { JsonObject } from "../src/connection/frames";
import type { Link } from "./fake_gateway";
import { connected } from "./paired";
import { completed } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const outcome = (turnId: string, seq: number, more: object = {}): JsonObject => ({
  type: "turn.completed",
  turn: completed(turnId),
  seq,
  ...more,
});
const phase = (turnId: string, name: string, seq: number): JsonObject => ({
  type: "turn.phase",
  turn_id: turnId,
  phase: name,
  attempt: 1,
  elapsed_ms: seq,
  seq,
});
const current = (chat: number, out: number, more: object = {}): JsonObject => ({
  type: "session.current",
  seen: { chat, out },
  ...more,
});
const lose = async (link: Link): Promise<void> => {
  link.channel.close();
  await vi.advanceTimersByTimeAsync(250);
};

describe("a hello", () => {
  it("names no session at first", async () => {
    const { gateway } = await connected();
    expect(gateway.link.hello).toMatchObject({ session: null, resume_token: null, last_seen: null });
  });

  it("names the session, its newest token, and the last events that were told", async () => {
    const { gateway, page } = await connected();
    gateway.tell(current(10, 20));
    gateway.tell(phase("t1", "plan", 25));
    gateway.tell(outcome("t1", 14));
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-1", last_seen: { chat: 14, out: 25 } });
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-2", last_seen: { chat: 14, out: 25 } });
    page.session.close();
    page.session.connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-3" });
  });

  it("asks for everything of a session that was lost before anything was told", async () => {
    const { gateway } = await connected();
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ session: "s1", last_seen: { chat: 0, out: 0 } });
  });

  it("names the token of an answer after which no channel opened", async () => {
    const { gateway } = await connected();
    gateway.tell(current(3, 4));
    const [first] = gateway.links;
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.links.at(-1)).not.toBe(first);
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-2", last_seen: { chat: 3, out: 4 } });
  });
});

describe("events", () => {
  it("that were told before are dropped, those of each stream by their own number", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const id = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    gateway.tell(current(100, 5));
    gateway.tell(phase(id, "plan", 5));
    expect(page.state().log.turns[0]?.phases).toEqual([]);
    gateway.tell(phase(id, "plan", 6));
    gateway.tell(phase(id, "execute", 7));
    gateway.tell(phase(id, "confirm", 7));
    expect(page.state().log.turns[0]?.phases.map((seen) => seen.phase)).toEqual(["plan", "execute"]);
    gateway.tell(outcome(id, 100));
    expect(page.state().log.turns[0]?.status).toBe("accepted");
    gateway.tell(outcome(id, 101));
    expect(page.state().log.turns[0]?.status).toBe("completed");
  });

  it("of a session that is out of a backup are told though their numbers were heard before, of others", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const id = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    gateway.tell(current(100, 50));
    gateway.restored = true;
    await lose(gateway.link);
    gateway.tell(current(0, 0));
    gateway.tell(phase(id, "plan", 31));
    gateway.tell(outcome(id, 71));
    expect(page.state().log.turns).toMatchObject([{ status: "completed", phases: [{ elapsedMs: 31 }] }]);
    gateway.restored = false;
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ session: "s1", last_seen: { chat: 71, out: 31 } });
  });

  it("with a `ref` answer out of order: they are taken at any number, and do not count as told", async () => {
    const { gateway, page } = await connected();
    page.session.send("first");
    page.session.send("second");
    const [first = "", second = ""] = page.state().log.turns.map(({ id }) => id);
    for (const id of [first, second]) gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    gateway.tell(current(10, 0));
    gateway.tell(outcome(second, 30, { ref: second }));
    gateway.tell(outcome(first, 20));
    expect(page.state().log.turns.map(({ status }) => status)).toEqual(["completed", "completed"]);
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ last_seen: { chat: 20, out: 0 } });
    gateway.tell(outcome(first, 9, { ref: first }));
    expect(gateway.link.isOpen).toBe(true);
  });

  it("that were told in a session are not told again after the next one has replayed them", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const id = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    gateway.tell(current(10, 20));
    gateway.tell(phase(id, "plan", 21));
    await lose(gateway.link);
    gateway.tell(phase(id, "plan", 21));
    gateway.tell(phase(id, "execute", 22));
    gateway.tell(outcome(id, 11));
    gateway.tell(current(11, 22, { replayed: 2 }));
    const { log } = page.state();
    expect(log.turns).toMatchObject([{ status: "completed", phases: [{ elapsedMs: 21 }, { elapsedMs: 22 }] }]);
    expect(page.state().notice).toBeNull();
  });

  it("are counted from the numbers that the server names on, where it has not told more already", async () => {
    const { gateway } = await connected();
    gateway.tell(current(500, 900));
    await lose(gateway.link);
    gateway.tell(current(2, 903));
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ last_seen: { chat: 500, out: 903 } });
  });

  it("that are left out because they are too many are looked for in the history; without one, the person is told", async () => {
    const { gateway, page } = await connected();
    gateway.tell(current(900, 900, { replayed: 500, complete: false }));
    const [asked] = gateway.heardOf("history.get");
    expect(asked).toMatchObject({ before: null });
    expect(page.state().notice).toBeNull();
    gateway.tell({ type: "error", code: "unsupported", ref: asked?.["id"] });
    expect(page.state().notice).toBeNull();
    gateway.tell(current(1900, 1900, { replayed: 500, complete: false }));
    expect(page.state().notice?.detail).toContain("not all of it is shown here");
  });
});

describe("a session that cannot be gone on with", () => {
  it("is followed by a new one, of which everything is still to be told, and turns are sent again under it", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const id = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    gateway.tell(current(500, 900));
    gateway.resumes = false;
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ session: "s1" });
    expect(gateway.heardOf("turn.start").map((message) => message["turn_id"])).toEqual([id, id]);
    gateway.tell(outcome(id, 3));
    expect(page.state().log.turns).toMatchObject([{ status: "completed" }]);
    gateway.resumes = true;
    await lose(gateway.link);
    expect(gateway.link.hello).toMatchObject({ session: "s2", last_seen: { chat: 3, out: 0 } });
  });
});
