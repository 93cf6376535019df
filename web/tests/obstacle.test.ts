import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { obstacleOf, type Obstacle, type Progress } from "../src/connection/obstacle";
import type { ConnectionState, Reason } from "../src/connection/state";
import { FakeGateway, type Link } from "./fake_gateway";
import { pageOf, settle, type Page } from "./paired";

const ICE_FAILED: Progress = {
  entered: true,
  answered: true,
  relayOffered: true,
  relayHad: false,
  relayErrors: new Set(),
  paired: false,
};

describe("what stood in the way", () => {
  const cases: readonly (readonly [Obstacle, Partial<Progress>])[] = [
    ["unreachable", { entered: false, answered: false }],
    ["unanswered", { answered: false }],
    ["no_relay_offered", { relayOffered: false }],
    ["relay_refused", { relayErrors: new Set([401]) }],
    ["relay_refused", { relayErrors: new Set([441]) }],
    ["relay_full", { relayErrors: new Set([486]) }],
    ["relay_unreachable", { relayErrors: new Set([701]) }],
    ["relay_unreachable", {}],
    ["relay_in_vain", { relayHad: true, relayErrors: new Set([701]) }],
    ["unopened", { relayHad: true, paired: true }],
  ];

  it.each(cases)("is %s after %o", (obstacle, progress) => {
    expect(obstacleOf({ ...ICE_FAILED, ...progress })).toBe(obstacle);
  });

  it("is what the relay said where one of its addresses answered and another did not", () => {
    expect(obstacleOf({ ...ICE_FAILED, relayErrors: new Set([701, 401]) })).toBe("relay_refused");
    expect(obstacleOf({ ...ICE_FAILED, relayErrors: new Set([701, 486]) })).toBe("relay_full");
  });
});

describe("an attempt that ends without a channel", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function answered(): Promise<{ page: Page; link: Link }> {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    const { link } = gateway;
    link.socket.open();
    link.signal(gateway.ready());
    await settle();
    link.signal({ type: "answer", attempt: 1, sdp: "v=0 answer" });
    await settle();
    return { page, link };
  }
  const reasonOf = (connection: ConnectionState): Partial<Reason> => ("reason" in connection ? (connection.reason ?? {}) : {});

  it("says that the server cannot be reached where the socket does not open", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.close();
    expect(reasonOf(page.state().connection)).toMatchObject({ code: "unavailable", obstacle: "unreachable" });
  });

  it("says that it may be the server that lets nobody in where the socket closes before it has answered", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    gateway.link.socket.close();
    expect(reasonOf(page.state().connection)).toMatchObject({ code: "unavailable", obstacle: "unreachable" });
  });

  it("does not say that the server cannot be reached where the socket is lost after we were let in", async () => {
    const { page, link } = await answered();
    link.socket.close();
    expect(reasonOf(page.state().connection)).toMatchObject({ code: "unavailable", obstacle: "cut_off" });
  });

  it("says that no gateway answered where none did in 15 s", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    gateway.link.signal(gateway.ready());
    await vi.advanceTimersByTimeAsync(15_000);
    expect(reasonOf(page.state().connection)).toMatchObject({ code: "timeout", obstacle: "unanswered" });
  });

  it("says what became of the relay, whether ICE gives up or the time does", async () => {
    const failed = await answered();
    failed.link.peer?.failCandidate("turn:turn.example:3478?transport=udp", 701);
    failed.link.peer?.failCandidate("turns:turn.example:443", 401);
    failed.link.peer?.moveTo("failed");
    expect(reasonOf(failed.page.state().connection)).toMatchObject({ code: "connect_failed", obstacle: "relay_refused" });

    const late = await answered();
    late.link.peer?.trickle("candidate:1", "relay");
    await vi.advanceTimersByTimeAsync(15_000);
    expect(reasonOf(late.page.state().connection)).toMatchObject({ code: "timeout", obstacle: "relay_in_vain" });
  });

  it("does not take an error of a STUN server for one of the relay", async () => {
    const { page, link } = await answered();
    link.peer?.failCandidate("stun:stun.example", 486);
    link.peer?.moveTo("failed");
    expect(reasonOf(page.state().connection)).toMatchObject({ obstacle: "relay_unreachable" });
  });

  it("keeps few of many errors", async () => {
    const { page, link } = await answered();
    for (let code = 600; code < 700; code += 1) link.peer?.failCandidate("turn:turn.example", code);
    link.peer?.failCandidate("turn:turn.example", 401);
    link.peer?.moveTo("failed");
    expect(reasonOf(page.state().connection)).toMatchObject({ obstacle: "relay_unreachable" });
  });

  it("leaves what the server said as it is", async () => {
    const { page, link } = await answered();
    link.signal({ type: "error", code: "capacity", detail: "full" });
    expect(reasonOf(page.state().connection)).toEqual(expect.objectContaining({ code: "capacity", detail: "full" }));
    expect(reasonOf(page.state().connection)).not.toHaveProperty("obstacle");
  });

  it("says nothing of the way through the network once a channel was open", async () => {
    const { page, link } = await answered();
    link.channel.open();
    await settle();
    link.peer?.moveTo("failed");
    expect(reasonOf(page.state().connection)).not.toHaveProperty("obstacle");
  });
});
