import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { AgentSession } from "../src/store/session";
import { createAgentStore } from "../src/store/store";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle } from "./paired";
import { entry, stateList, todoList } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("connecting", () => {
  it("says hello, offers at once, trickles candidates, and asks for the state", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    const { link } = gateway;
    link.socket.open();
    expect(link.socket.sent).toMatchObject([{ type: "hello", version: 1, time_zone: "Europe/Berlin", session: null }]);
    link.signal(gateway.ready());
    await settle();
    expect(page.state().connection.name).toBe("connecting");
    expect(link.socket.sent[1]).toEqual({ type: "offer", attempt: 1, sdp: "v=0 offer" });
    expect(link.peer?.configuration.iceServers).toEqual([{ urls: ["turn:turn.example"], username: "u", credential: "c" }]);
    expect(link.channel).toMatchObject({ label: "agent", protocol: "agent.v1" });

    link.peer?.trickle("candidate:1");
    link.peer?.trickle("");
    link.peer?.trickle(null);
    expect(link.socket.sent.slice(2)).toEqual([
      { type: "candidate", attempt: 1, candidate: { candidate: "candidate:1", sdp_mid: "0", sdp_m_line_index: 0 } },
      { type: "candidate", attempt: 1, candidate: null },
    ]);

    link.signal({ type: "candidate", attempt: 1, candidate: { candidate: "early", sdp_mid: "0" } });
    link.signal({ type: "answer", attempt: 9, sdp: "of another attempt" });
    link.signal({ type: "answer", attempt: 1, sdp: "v=0 answer" });
    await settle();
    link.signal({ type: "candidate", attempt: 1 });
    await settle();
    expect(link.peer?.calls).toEqual(["local", "remote", "early", "end"]);

    link.channel.open();
    await settle();
    expect(page.state().connection).toMatchObject({ name: "connected" });
    expect(page.state().connectMs).toBeGreaterThanOrEqual(0);
    expect(gateway.heardOf("state.get")).toHaveLength(1);
    page.session.close();
  });

  it("bounds the candidates it sends", async () => {
    const gateway = new FakeGateway({ friendly: false });
    pageOf(gateway).session.connect();
    gateway.link.socket.open();
    gateway.link.signal(gateway.ready());
    await settle();
    for (let index = 0; index < 100; index += 1) gateway.link.peer?.trickle(`candidate:${index}`);
    const candidates = gateway.link.socket.sent.filter((message) => message["type"] === "candidate");
    expect(candidates).toHaveLength(65);
    expect(candidates.at(-1)).toMatchObject({ candidate: null });
  });

  it("gives up on an attempt after 15 seconds and tries again", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(page.state().connection).toMatchObject({ name: "reconnecting", failures: 1, reason: { code: "timeout" } });
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.links).toHaveLength(2);
  });

  it("does not try again after a final error", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    gateway.link.signal({ type: "error", code: "unauthorised", detail: "sign in", final: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(page.state().connection).toMatchObject({ name: "failed", reason: { detail: "sign in" } });
    expect(gateway.links).toHaveLength(1);
  });

  it("tries again after a final error of any other kind: it ended that attempt alone", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    gateway.link.signal({ type: "error", code: "internal", detail: "went wrong", final: true });
    expect(page.state().connection.name).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.links).toHaveLength(2);
  });

  it.each([["{"], ['{"type":"ready"}'], ["7"]])("takes %s from the server for a failed attempt", async (data) => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    gateway.link.socket.deliver(data);
    expect(page.state().connection).toMatchObject({ name: "reconnecting", reason: { code: "invalid" } });
  });

  it("is refused by a browser without WebRTC", async () => {
    const gateway = new FakeGateway();
    const store = createAgentStore();
    const platform = {
      ...gateway.platform(),
      createPeer: () => {
        throw new ReferenceError("RTCPeerConnection is not defined");
      },
    };
    new AgentSession(store, { platform, timeZone: "UTC", chance: () => 0.5 }).connect();
    await settle();
    expect(store.getState().connection).toMatchObject({ name: "failed", reason: { code: "unsupported" } });
  });
});

describe("a connection", () => {
  it("measures its round trip and answers pings", async () => {
    const { gateway, page } = await connected();
    expect(page.state().connection).toMatchObject({ name: "connected", rttMs: expect.any(Number) as number });
    gateway.tell({ type: "ping", id: "g1" });
    expect(gateway.heardOf("pong")).toEqual([{ type: "pong", ref: "g1" }]);
  });

  it("that no longer answers is given up after two pings", async () => {
    const { gateway, page } = await connected();
    gateway.answersPings = false;
    await vi.advanceTimersByTimeAsync(9_100);
    expect(page.state().connection).toMatchObject({ name: "reconnecting", reason: { code: "timeout" } });
  });

  it("is asked at once, and given up after 2 s, when the network is back or the page was frozen", async () => {
    for (const wake of ["network", "woke"] as const) {
      const { gateway, page } = await connected();
      const woke = (): void => (wake === "woke" ? page.session.woke() : page.session.line.network(true));
      await vi.advanceTimersByTimeAsync(1_000);
      woke();
      await vi.advanceTimersByTimeAsync(0);
      expect(page.state().connection.name).toBe("connected");
      gateway.answersPings = false;
      if (wake === "woke") vi.setSystemTime(Date.now() + 60_000);
      woke();
      await vi.advanceTimersByTimeAsync(2_000);
      expect(page.state().connection).toMatchObject({ name: "reconnecting", reason: { code: "timeout" } });
      woke();
      expect(page.state().connection.name).toBe("signaling");
      page.session.close();
    }
  });

  it("outlives its socket", async () => {
    const { gateway, page } = await connected();
    gateway.link.socket.close();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(page.state().connection.name).toBe("connected");
  });

  it("is made anew after its channel closed, for the same session", async () => {
    const { gateway, page } = await connected();
    gateway.link.channel.close();
    expect(page.state().connection).toMatchObject({ name: "reconnecting", failures: 1 });
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state().connection.name).toBe("connected");
    expect(gateway.links).toHaveLength(2);
    expect(gateway.link.socket.sent[0]).toMatchObject({ type: "hello", session: "s1" });
    expect(gateway.heardOf("state.get")).toHaveLength(2);
  });

  it("that another page took over stays closed", async () => {
    const { gateway, page } = await connected();
    gateway.tell({ type: "error", code: "superseded", detail: "another tab", final: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(page.state().connection.name).toBe("failed");
    expect(gateway.links).toHaveLength(1);
  });

  it("says bye and closes when the page goes away", async () => {
    const { gateway, page } = await connected();
    page.session.close();
    expect(gateway.link.socket.sent.at(-1)).toEqual({ type: "bye" });
    expect(gateway.link.peer?.connectionState).toBe("closed");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.links).toHaveLength(1);
  });

  it("tells that a ping was missed, until one is answered", async () => {
    const { gateway, page } = await connected();
    gateway.answersPings = false;
    await vi.advanceTimersByTimeAsync(6_000);
    expect(page.state().connection).toMatchObject({ name: "connected", silentMs: 3_000 });
    gateway.answersPings = true;
    gateway.tell({ type: "pong", ref: "ping-3" });
    expect(page.state().connection).toMatchObject({ name: "connected" });
    expect(page.state().connection).not.toHaveProperty("silentMs");
  });

  it("passes over messages of a type that it does not know", async () => {
    const { gateway, page } = await connected();
    gateway.tell({ type: "turn.estimated", turn_id: "t1", seconds: 3 });
    expect(page.state().notice).toBeNull();
    expect(page.state().connection.name).toBe("connected");
  });

  it("survives frames it cannot use, and says so", async () => {
    const { gateway, page } = await connected();
    gateway.link.channel.deliver("{");
    gateway.link.channel.deliver(new ArrayBuffer(3));
    gateway.tell({ type: "turn.completed", turn: "what?" });
    expect(page.state().connection.name).toBe("connected");
    expect(page.state().notice?.detail).toContain("turn.completed");
  });
});

describe("the board", () => {
  it("is asked for again after a gap", async () => {
    const { gateway, page } = await connected();
    const ref = String(gateway.heardOf("state.get")[0]?.["id"]);
    gateway.tell(stateList({ ref, list: todoList("l1", "Groceries") }));
    expect(page.state().board).toMatchObject({ revision: 7, stale: false });
    gateway.tell({ type: "state.changed", entry: entry(9) });
    await vi.advanceTimersByTimeAsync(2_000);
    const again = String(gateway.heardOf("state.get")[1]?.["id"]);
    gateway.tell(stateList({ ref: again, revision: 9, list: todoList("l1", "Food") }));
    expect(page.state().board).toMatchObject({ revision: 9, stale: false });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(gateway.heardOf("state.get")).toHaveLength(2);
  });

  it("is asked for again when the gateway has passed changes over, and is current then", async () => {
    const { gateway, page } = await connected();
    const ref = String(gateway.heardOf("state.get")[0]?.["id"]);
    gateway.tell(stateList({ ref, list: todoList("l1", "Groceries") }));
    gateway.tell({ type: "state.stale", revision: 900 });
    gateway.tell({ type: "state.stale", revision: 950 });
    expect(page.state().board).toMatchObject({ revision: 7, stale: true });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(gateway.heardOf("state.get")).toHaveLength(2);
    const again = String(gateway.heardOf("state.get")[1]?.["id"]);
    gateway.tell(stateList({ ref: again, revision: 950, list: todoList("l1", "Food") }));
    gateway.tell({ type: "state.changed", entry: entry(951) });
    expect(page.state().board).toMatchObject({ revision: 951, stale: false });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(gateway.heardOf("state.get")).toHaveLength(2);
  });

  it("is asked for a third time when the second answer is older than what was passed over", async () => {
    const { gateway, page } = await connected();
    const ref = String(gateway.heardOf("state.get")[0]?.["id"]);
    gateway.tell({ type: "state.stale", revision: 9 });
    gateway.tell(stateList({ ref, revision: 8 }));
    expect(page.state().board).toMatchObject({ revision: 8, stale: true });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(gateway.heardOf("state.get")).toHaveLength(2);
  });

  it("is asked for again, with a pause, when no answer comes or an error does", async () => {
    const { gateway, page } = await connected();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(gateway.heardOf("state.get")).toHaveLength(2);
    const ref = String(gateway.heardOf("state.get")[1]?.["id"]);
    gateway.tell({ type: "error", code: "unavailable", detail: "the store is away", ref });
    expect(page.state().notice?.detail).toBe("the store is away");
    await vi.advanceTimersByTimeAsync(1_900);
    expect(gateway.heardOf("state.get")).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(gateway.heardOf("state.get")).toHaveLength(3);
  });
});
