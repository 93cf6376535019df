import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle } from "./paired";
import { completed } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a turn", () => {
  it("is sent again under the same id after the connection was lost, until it is answered", async () => {
    const { gateway, page } = await connected();
    page.session.send("  add milk  ");
    const [first] = gateway.heardOf("turn.start");
    const turnId = first?.["turn_id"];
    expect(first).toMatchObject({ text: "add milk", id: turnId });
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });

    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.heardOf("turn.start").map((message) => message["turn_id"])).toEqual([turnId, turnId]);

    gateway.tell({ type: "turn.completed", turn: completed(String(turnId)) });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.heardOf("turn.start")).toHaveLength(2);
    expect(page.state().log.turns).toMatchObject([{ status: "completed" }]);
  });

  it("written while there is no connection goes out when there is one", async () => {
    const gateway = new FakeGateway();
    const page = pageOf(gateway);
    page.session.send("add milk");
    page.session.connect();
    await settle();
    expect(gateway.heardOf("turn.start")).toMatchObject([{ text: "add milk" }]);
  });

  it("that was rejected is not sent again by itself", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.rejected", code: "internal", turn_id: turnId });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.heardOf("turn.start")).toHaveLength(1);
    page.session.sendAgain(turnId);
    expect(gateway.heardOf("turn.start").map((message) => message["turn_id"])).toEqual([turnId, turnId]);
  });

  it.each([
    ["whose channel was lost", async (gateway: FakeGateway) => gateway.link.channel.close()],
    ["that got no answer in time", async () => void (await vi.advanceTimersByTimeAsync(15_000))],
    [
      "that met an error",
      async (gateway: FakeGateway) => {
        gateway.tell({ type: "error", code: "internal", ref: gateway.heardOf("turn.start")[0]?.["turn_id"] });
      },
    ],
  ])("%s and that is refused when sent again waits for an outcome: it may have been stored", async (_, doubt) => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    await doubt(gateway);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(gateway.heardOf("turn.start")).toHaveLength(2);
    gateway.tell({ type: "turn.rejected", code: "limit", detail: "too many", turn_id: turnId });
    const { log } = page.state();
    expect(log).toMatchObject({ turns: [{ status: "sending", problem: { code: "limit" } }], putBack: null, lastEnded: null });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.heardOf("turn.start")).toHaveLength(3);
    gateway.tell({ type: "turn.completed", turn: completed(turnId) });
    expect(page.state().log.turns).toMatchObject([{ status: "completed" }]);
  });

  it("that may have been stored and of which nothing comes is given up after 180 s", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    gateway.tell({ type: "turn.rejected", code: "invalid", turn_id: turnId });
    await vi.advanceTimersByTimeAsync(179_999);
    expect(page.state().log.turns[0]?.status).toBe("sending");
    await vi.advanceTimersByTimeAsync(1);
    expect(page.state().log.turns[0]?.status).toBe("silent");
    expect(gateway.heardOf("turn.start")).toHaveLength(2);
  });

  it("that is refused for now is asked again after the time named, and later each time", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    const asked = (): number => gateway.heardOf("turn.start").length;
    gateway.tell({ type: "turn.rejected", code: "overloaded", turn_id: turnId, retry_after_ms: 2_000 });
    expect(page.state().log.turns).toMatchObject([{ status: "sending", problem: { code: "overloaded" } }]);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toBe(2);
    gateway.tell({ type: "error", code: "timeout", ref: turnId, detail: "may or may not be stored", field: "turn_id" });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(asked()).toBe(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(gateway.heardOf("turn.start").map((message) => message["turn_id"])).toEqual([turnId, turnId, turnId]);
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked()).toBe(3);
    expect(page.state().log.turns).toMatchObject([{ status: "accepted", problem: null }]);
    expect(page.state().notice).toBeNull();
  });

  it("that gets no answer at all is asked again", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    await vi.advanceTimersByTimeAsync(15_000);
    expect(page.state().log.turns).toMatchObject([{ status: "sending", problem: { code: "timeout" } }]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(gateway.heardOf("turn.start")).toHaveLength(2);
  });

  it("that was accepted and refused when asked again is still asked after the next reconnect", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });
    gateway.tell({ type: "error", code: "internal", ref: turnId });
    gateway.tell({ type: "turn.rejected", code: "invalid", turn_id: turnId });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.heardOf("turn.start")).toHaveLength(2);
  });

  it("that ended while the page was away shows its end, once", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });
    gateway.tell({ type: "turn.phase", turn_id: turnId, phase: "plan", attempt: 1, elapsed_ms: 2 });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });
    gateway.tell({ type: "turn.completed", turn: completed(turnId) });
    expect(page.state().log.turns).toMatchObject([{ status: "completed", completed: { text: "Two items." } }]);
    const { log } = page.state();
    gateway.tell({ type: "turn.completed", turn: completed(turnId, { text: "Something else." }) });
    gateway.tell({ type: "error", code: "timeout", ref: turnId });
    expect(page.state().log).toBe(log);
    expect(page.state().notice).toBeNull();
    await vi.advanceTimersByTimeAsync(200_000);
    expect(page.state().log).toBe(log);
  });

  it("of which nothing is heard for 180 s says so, and can be asked for again under its id", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });
    await vi.advanceTimersByTimeAsync(180_000);
    expect(page.state().log.turns).toMatchObject([
      { status: "silent", problem: { detail: "No word of this request any more; look at the lists" } },
    ]);
    page.session.sendAgain(turnId);
    expect(page.state().log.turns).toMatchObject([{ status: "sending", problem: null }]);
    gateway.tell({ type: "turn.rejected", code: "limit", turn_id: turnId });
    expect(page.state().log.turns).toMatchObject([{ status: "sending" }]); // it may have been stored before
    gateway.tell({ type: "turn.completed", turn: completed(turnId), ref: turnId });
    expect(page.state().log.turns).toMatchObject([{ status: "completed" }]);
  });

  it("is not given up for the time without a connection", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.accepted", ref: turnId, turn_id: turnId });
    page.session.close();
    await vi.advanceTimersByTimeAsync(200_000);
    expect(page.state().log.turns[0]?.status).toBe("accepted");
    page.session.connect();
    await vi.advanceTimersByTimeAsync(179_000);
    expect(page.state().log.turns[0]?.status).toBe("accepted");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(page.state().log.turns[0]?.status).toBe("silent");
  });

  it("that cannot be taken as it is gives its text back when asked to", async () => {
    const { gateway, page } = await connected();
    page.session.send("add milk");
    const turnId = page.state().log.turns[0]?.id ?? "";
    gateway.tell({ type: "turn.rejected", code: "invalid", turn_id: turnId });
    page.session.edit(turnId);
    expect(page.state().log.putBack).toEqual({ text: "add milk", asked: true });
  });

  it("that is empty or over 8 KiB is not sent, and one of exactly that size is", async () => {
    const { gateway, page } = await connected();
    expect(page.session.send("  \n")).toBe(false);
    expect(page.session.send("ä".repeat(4_097))).toBe(false);
    expect(page.session.send("ä".repeat(4_096))).toBe(true);
    expect(gateway.heardOf("turn.start")).toMatchObject([{ text: "ä".repeat(4_096) }]);
  });

  it("beyond the bound of queued ones is refused by the page, and holds up no other", () => {
    const page = pageOf(new FakeGateway({ friendly: false }));
    for (let index = 0; index < 34; index += 1) page.session.send(`request ${index}`);
    const { turns, lastEnded } = page.state().log;
    const refused = turns.find(({ status }) => status === "rejected");
    expect(refused).toMatchObject({ text: "request 33", problem: { code: "limit" } });
    expect(lastEnded).toBe(refused?.id);
    expect(turns.filter(({ status }) => status === "queued")).toHaveLength(32);
  });
});
