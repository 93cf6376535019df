import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Kept } from "../src/store/kept";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle, type Page } from "./paired";
import { completed, FakeStorage, seeded } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A page with one turn that the gateway has taken. */
async function running(storage = new FakeStorage()): Promise<{ gateway: FakeGateway; page: Page; id: string }> {
  const { gateway, page } = await connected({ kept: new Kept(storage) });
  page.session.send("add milk");
  const id = page.state().log.turns[0]?.id ?? "";
  gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
  return { gateway, page, id };
}

const cancelsOf = (gateway: FakeGateway): unknown[] => gateway.heardOf("turn.cancel").map((message) => message["turn_id"]);

describe("stop", () => {
  it("asks for the turn to be cancelled, once, and its own end tells what became of it", async () => {
    const { gateway, page, id } = await running();
    page.session.stop();
    page.session.stop();
    expect(cancelsOf(gateway)).toEqual([id]);
    expect(page.state().log.turns).toMatchObject([{ status: "accepted", stopping: true }]);
    gateway.tell({ type: "turn.completed", turn: completed(id, { outcome: "cancelled" }) });
    expect(page.state().log).toMatchObject({ turns: [{ status: "completed" }], lastEnded: id });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(cancelsOf(gateway)).toEqual([id]);
  });

  it("is asked for again on each new channel, for as long as the turn has no end", async () => {
    const { gateway, page, id } = await running();
    page.session.stop();
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(cancelsOf(gateway)).toEqual([id, id]);
    gateway.tell({ type: "turn.completed", turn: completed(id, { outcome: "confirmed" }) });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(cancelsOf(gateway)).toEqual([id, id]);
  });

  it("without a connection is asked for when there is one", async () => {
    const { gateway, page, id } = await running();
    gateway.friendly = false;
    gateway.link.channel.close();
    page.session.stop();
    expect(cancelsOf(gateway)).toEqual([]);
    gateway.friendly = true;
    page.session.connect();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(new Set(cancelsOf(gateway))).toEqual(new Set([id]));
  });

  it("keeps a request that was never given to the gateway, and sends it when the person lets it go on", async () => {
    const gateway = new FakeGateway();
    const page = pageOf(gateway);
    page.session.send("add milk");
    page.session.stop();
    expect(page.state().log).toMatchObject({ turns: [{ text: "add milk", status: "stopped" }], putBack: null });
    page.session.connect();
    await settle();
    expect(gateway.heardOf("turn.start")).toEqual([]);
    expect(gateway.heardOf("turn.cancel")).toEqual([]);
    page.session.goOn();
    expect(gateway.heardOf("turn.start")).toMatchObject([{ text: "add milk" }]);
  });

  it("cancels a request that was given to the gateway and not taken yet: it may be stored", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    page.session.stop();
    expect(cancelsOf(gateway)).toEqual([page.state().log.turns[0]?.id]);
  });

  it("that meets an error is asked for again, later each time; one that is refused for good is given up and said", async () => {
    const { gateway, page, id } = await running();
    const fail = (code: string): void => gateway.tell({ type: "error", code, detail: "no", ref: gateway.heardOf("turn.cancel").at(-1)?.["id"] });
    page.session.stop();
    fail("unavailable");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(cancelsOf(gateway)).toHaveLength(2);
    fail("overloaded");
    await vi.advanceTimersByTimeAsync(1_999);
    expect(cancelsOf(gateway)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(cancelsOf(gateway)).toHaveLength(3);
    expect(page.state()).toMatchObject({ notice: null, log: { turns: [{ stopping: true }] } });
    fail("invalid");
    expect(page.state()).toMatchObject({ notice: { code: "invalid" }, log: { turns: [{ id, stopping: false }] } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(cancelsOf(gateway)).toHaveLength(3);
  });

  it("without a connection loses nothing, whatever else stands in the composer", async () => {
    const storage = new FakeStorage();
    const gateway = new FakeGateway();
    const page = pageOf(gateway, { kept: new Kept(storage) });
    page.session.send("first");
    page.session.keepDraft("second");
    page.session.stop();
    page.session.close();
    const after = pageOf(gateway, { kept: new Kept(storage) });
    expect(after.state()).toMatchObject({ draft: "second", log: { turns: [{ text: "first", status: "stopped" }] } });
  });

  it("of a request that is then refused is over with that, and does not reach the one that is sent again", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const id = page.state().log.turns[0]?.id ?? "";
    page.session.stop();
    gateway.tell({ type: "turn.rejected", ref: id, turn_id: id, code: "internal" });
    page.session.sendAgain(id);
    const again = page.state().log.turns;
    expect(again).toMatchObject([{ text: "add milk", status: "sending", stopping: false }]);
    // The server may remember that the first id is to be cancelled.
    expect(again[0]?.id).not.toBe(id);
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.links).toHaveLength(2);
    expect(gateway.heardOf("turn.start").at(-1)?.["turn_id"]).toBe(again[0]?.id);
    expect(cancelsOf(gateway)).toEqual([id]);
  });

  it("is still asked for where a refusal does not say that the request was never stored", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const id = page.state().log.turns[0]?.id ?? "";
    page.session.stop();
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    gateway.tell({ type: "turn.rejected", ref: id, turn_id: id, code: "internal" });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(cancelsOf(gateway)).toEqual([id, id, id]);
  });

  it("outlives a reload", async () => {
    const storage = new FakeStorage();
    const { page, id } = await running(storage);
    page.session.stop();
    page.session.close();
    const gateway = new FakeGateway();
    const after = pageOf(gateway, { kept: new Kept(storage) });
    after.session.connect();
    await settle();
    expect(cancelsOf(gateway)).toEqual([id]);
    expect(after.state().log.turns).toMatchObject([{ id, stopping: true }]);
  });

  it.each(Array.from({ length: 15 }, (_, seed) => seed))("whatever the connection does, what is stopped is cancelled, and nothing else (seed %i)", async (seed) => {
    const random = seeded(seed);
    const storage = new FakeStorage();
    const gateway = new FakeGateway();
    const load = (): Page => {
      const loaded = pageOf(gateway, { kept: new Kept(storage), chance: random });
      loaded.session.connect();
      return loaded;
    };
    let page = load();
    const stopped = new Set<string>();
    for (let step = 0; step < 60; step += 1) {
      const under = page.state().log.turns.filter(({ status }) => status === "sending" || status === "accepted");
      const roll = random();
      if (roll < 0.3) page.session.send(`request ${step}`);
      else if (roll < 0.5) {
        for (const turn of under) if (turn.sent) stopped.add(turn.id);
        page.session.stop();
      } else if (roll < 0.65) {
        for (const { id } of under) {
          if (gateway.heardOf("turn.start").some((heard) => heard["turn_id"] === id)) {
            for (const link of gateway.links) if (link.isOpen) link.tell({ type: "turn.completed", turn: completed(id) });
          }
        }
      } else if (roll < 0.8) {
        const link = gateway.links.at(-1);
        if (link?.isOpen === true) link.channel.close();
      } else if (roll < 0.9) {
        page.session.close();
        page = load();
      } else page.session.goOn();
      await vi.advanceTimersByTimeAsync(random() * 1_500);
      const open = gateway.links.findLast((link) => link.isOpen);
      if (page.state().connection.name !== "connected" || open === undefined) continue;
      const asked = open.heard.filter((heard) => heard["type"] === "turn.cancel").map((heard) => heard["turn_id"]);
      const stopping = page.state().log.turns.filter((turn) => turn.stopping && turn.status !== "completed");
      expect(asked).toEqual(expect.arrayContaining(stopping.map(({ id }) => id)));
    }
    expect(cancelsOf(gateway).filter((id) => !stopped.has(String(id)))).toEqual([]);
    expect(stopped.size).toBeGreaterThan(0);
  });
});
