import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { FakeGateway, Link } from "./fake_gateway";
import { connected } from "./paired";
import { completed } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const DRAINING = { type: "draining", retry_after_ms: 0 };

/** A page whose gateway is going, and whose next attempt waits for the gateway's word at each step. */
async function leaving(): Promise<{ gateway: FakeGateway; old: Link; page: Awaited<ReturnType<typeof connected>>["page"] }> {
  const { gateway, page } = await connected();
  const old = gateway.link;
  gateway.friendly = false;
  old.tell(DRAINING);
  await vi.advanceTimersByTimeAsync(250);
  return { gateway, old, page };
}

async function open(link: Link, gateway: FakeGateway): Promise<void> {
  link.socket.open();
  link.signal(gateway.ready(link.hello));
  await vi.advanceTimersByTimeAsync(0);
  link.signal({ type: "answer", attempt: link.socket.sent[1]?.["attempt"], sdp: "v=0 answer" });
  await vi.advanceTimersByTimeAsync(0);
  link.channel.open();
  await vi.advanceTimersByTimeAsync(0);
}

const startsHeardBy = (link: Link): unknown[] => link.heard.filter(({ type }) => type === "turn.start").map((heard) => heard["turn_id"]);

describe("a gateway that is going", () => {
  it("serves until the new channel is open, which then asks for everything again; then it is left", async () => {
    const { gateway, old, page } = await leaving();
    expect(gateway.links).toHaveLength(2);
    page.session.send("add milk");
    const [{ id } = { id: "" }] = page.state().log.turns;
    expect(startsHeardBy(old)).toEqual([id]);
    old.tell({ type: "turn.accepted", ref: id, turn_id: id });
    expect(page.state()).toMatchObject({ connection: { name: "connected" }, log: { turns: [{ status: "accepted" }] } });

    await open(gateway.link, gateway);
    expect(gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-1" });
    expect(old.socket.sent.at(-1)).toEqual({ type: "bye" });
    expect(old.peer?.connectionState).toBe("closed");
    expect(startsHeardBy(gateway.link)).toEqual([id]);
    expect(gateway.link.heard.filter(({ type }) => type === "state.get")).toHaveLength(1);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 2 });
    gateway.link.tell({ type: "turn.completed", turn: completed(id), seq: 5 });
    expect(page.state().log.turns).toMatchObject([{ status: "completed" }]);
  });

  it("may tell an event that the new one tells again: it is shown once", async () => {
    const { gateway, old, page } = await leaving();
    gateway.link.socket.open();
    old.tell({ type: "session.current", seen: { chat: 3, out: 0 } });
    old.tell({ type: "turn.completed", turn: completed("t1"), seq: 4 });
    await open(gateway.link, gateway);
    gateway.link.tell({ type: "turn.completed", turn: completed("t1"), seq: 4 });
    gateway.link.tell({ type: "session.current", seen: { chat: 4, out: 0 } });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    gateway.link.socket.open();
    expect(gateway.link.hello).toMatchObject({ last_seen: { chat: 4, out: 0 } });
    expect(page.state().connection).toMatchObject({ name: "signaling", attempt: 3 });
  });

  it("is left after the time that it names", async () => {
    const { gateway } = await connected();
    gateway.link.tell({ type: "draining", retry_after_ms: 4_000 });
    await vi.advanceTimersByTimeAsync(4_200);
    expect(gateway.links).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(50);
    expect(gateway.links).toHaveLength(2);
  });

  it("is tried to be left again with growing pauses while it serves", async () => {
    const { gateway, page } = await leaving();
    for (const pauseMs of [250, 500, 1_000]) {
      gateway.link.socket.close();
      const tries = gateway.links.length;
      await vi.advanceTimersByTimeAsync(pauseMs - 1);
      expect(gateway.links).toHaveLength(tries);
      await vi.advanceTimersByTimeAsync(1);
      expect(gateway.links).toHaveLength(tries + 1);
    }
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 1 });
  });

  it("that is gone before the new channel is open leaves the page with that attempt", async () => {
    const { gateway, old, page } = await leaving();
    page.session.send("add milk");
    old.channel.close();
    expect(page.state().connection).toMatchObject({ name: "signaling", attempt: 2 });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(gateway.links).toHaveLength(2);
    await open(gateway.link, gateway);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 2 });
    expect(startsHeardBy(gateway.link)).toHaveLength(1);
  });

  it("says `superseded` when the new channel has opened there, which the page passes over", async () => {
    const { gateway, old, page } = await leaving();
    old.tell({ type: "error", code: "superseded", detail: "another connection", final: true });
    expect(page.state().connection).toMatchObject({ name: "signaling", attempt: 2 });
    await open(gateway.link, gateway);
    expect(page.state().connection.name).toBe("connected");
  });

  it("serves on where the new attempt may not enter, and no other is made", async () => {
    const { gateway, old, page } = await leaving();
    gateway.link.socket.open();
    gateway.link.signal({ type: "error", code: "unsupported_version", detail: "other", final: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.links).toHaveLength(2);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 1, move: { name: "refused" } });
    old.channel.close();
    expect(page.state().connection).toMatchObject({ name: "failed", reason: { code: "unsupported_version" } });
  });

  it("is also left when signaling goes, which may have been the only way to a new session", async () => {
    const { gateway, page } = await connected();
    gateway.link.signal({ type: "draining", retry_after_ms: 500 });
    gateway.link.socket.close();
    expect(page.state().connection.name).toBe("connected");
    await vi.advanceTimersByTimeAsync(750);
    expect(gateway.links).toHaveLength(2);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 2 });
  });

  it("may be left for a new session, for which what the old channel still tells does not count", async () => {
    const { gateway, old, page } = await leaving();
    old.tell({ type: "session.current", seen: { chat: 500, out: 500 } });
    gateway.resumes = false;
    gateway.link.socket.open();
    gateway.link.signal(gateway.ready(gateway.link.hello));
    old.tell({ type: "turn.completed", turn: completed("t1"), seq: 501 });
    gateway.link.socket.close();
    await vi.advanceTimersByTimeAsync(250);
    gateway.link.socket.open();
    expect(gateway.link.hello).toMatchObject({ session: "s2", last_seen: { chat: 0, out: 0 } });
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 1 });
  });

  it("is left at once when the person asks, or the network is back", async () => {
    const { gateway, page } = await connected();
    gateway.link.tell({ type: "draining", retry_after_ms: 30_000 });
    page.session.line.network(true);
    expect(gateway.links).toHaveLength(2);
    page.session.connect();
    expect(gateway.links).toHaveLength(2);
  });
});
