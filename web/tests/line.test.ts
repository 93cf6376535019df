/** The line to the server: network, model, and the switches of developers, with a gateway in memory. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { refusalOf } from "../src/connection/state";
import { Kept } from "../src/store/kept";
import { FakeGateway, type Link } from "./fake_gateway";
import { connected, pageOf, settle } from "./paired";
import { FakeStorage } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const policyOf = ({ peer }: Link): unknown => peer?.configuration.iceTransportPolicy;

describe("a relay that is forced", () => {
  it("is used by a new connection, and the old one serves until that is open", async () => {
    const kept = new Kept(new FakeStorage());
    const { gateway, page } = await connected({ kept });
    const [first] = gateway.links;
    gateway.friendly = false;
    page.session.line.setRelayOnly(true);
    const second = gateway.link;
    second.socket.open();
    second.signal(gateway.ready(second.hello));
    await settle();
    expect([first?.isOpen, policyOf(second), page.state().relayOnly]).toEqual([true, "relay", true]);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 1, move: { name: "connecting", attempt: 2 } });
    second.signal({ type: "answer", attempt: 2, sdp: "v=0 answer" });
    await settle();
    second.channel.open();
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 2 });
    expect(first?.isOpen).toBe(false);
    expect(kept.relayOnly).toBe(true);
  });

  it("is forced after a reload too, and let go of again by a new connection", async () => {
    const kept = new Kept(new FakeStorage());
    kept.relayOnly = true;
    const { gateway, page } = await connected({ kept });
    expect([policyOf(gateway.link), page.state().relayOnly]).toEqual(["relay", true]);
    page.session.line.setRelayOnly(false);
    await settle();
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 2 });
    expect([policyOf(gateway.link), kept.relayOnly]).toEqual([undefined, false]);
  });

  it("and not offered is said at once, no attempt follows, and the old way serves", async () => {
    const kept = new Kept(new FakeStorage());
    const { gateway, page } = await connected({ kept });
    gateway.iceServers = [{ urls: ["stun:stun.example"] }];
    page.session.line.setRelayOnly(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.links).toHaveLength(2);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 1 });
    expect(refusalOf(page.state().connection)).toMatchObject({ obstacle: "no_relay_offered", relayOnly: true });
    // What the answer to its hello brought is kept: it is what the next one resumes by.
    expect(kept.resume?.token).toBe("resume-2");
    page.session.line.setRelayOnly(false);
    await settle();
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 3 });
    expect(refusalOf(page.state().connection)).toBeNull();
  });

  it("and not to be reached is tried again, and why is known meanwhile", async () => {
    const { gateway, page } = await connected();
    gateway.friendly = false;
    page.session.line.setRelayOnly(true);
    const { link } = gateway;
    link.socket.open();
    link.signal(gateway.ready(link.hello));
    await settle();
    link.signal({ type: "answer", attempt: 2, sdp: "v=0 answer" });
    await settle();
    link.peer?.failCandidate("turn:turn.example", 701);
    link.peer?.moveTo("failed");
    const reason = { obstacle: "relay_unreachable", relayOnly: true };
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 1, move: { name: "waiting", reason } });
    expect(page.state().nextAttemptAt).toBe(Date.now() + 250);
  });
});

describe("a connection that is dropped", () => {
  it("is lost as when the network breaks, and comes back by itself", async () => {
    const { gateway, page } = await connected();
    page.session.line.drop();
    expect(page.state().connection).toMatchObject({ name: "reconnecting", reason: { code: "connect_failed" } });
    expect(gateway.links[0]?.peer?.connectionState).toBe("closed");
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 2 });
  });

  it("is none where there is no connection", () => {
    const page = pageOf(new FakeGateway());
    page.session.line.drop();
    expect(page.state().connection.name).toBe("idle");
  });
});

describe("the next attempt", () => {
  it("has a time while it is waited for, and none when it is made or the connection stands", async () => {
    const { gateway, page } = await connected();
    expect(page.state().nextAttemptAt).toBeNull();
    gateway.link.channel.close();
    expect(page.state().nextAttemptAt).toBe(Date.now() + 250);
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state()).toMatchObject({ connection: { name: "connected" }, nextAttemptAt: null });
  });
});

describe("a browser without a network", () => {
  it("asks at once whether the channel still serves, and is believed only in words", async () => {
    const { gateway, page } = await connected();
    gateway.answersPings = false;
    page.session.line.network(false);
    expect(page.state()).toMatchObject({ online: false, connection: { name: "connected" } });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(page.state().connection).toMatchObject({ name: "reconnecting", reason: { code: "timeout" } });
    gateway.answersPings = true; // a server on this very machine is reached without one
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state()).toMatchObject({ online: false, connection: { name: "connected" } });
  });

  it("that has one again is not made to wait", async () => {
    const { gateway, page } = await connected();
    gateway.link.channel.close();
    page.session.line.network(true);
    await settle();
    expect(page.state()).toMatchObject({ online: true, connection: { name: "connected", attempt: 2 } });
  });
});

describe("who is entered", () => {
  it("is known from the open channel on", async () => {
    const { page } = await connected();
    expect(page.state().entered).toEqual({ session: "s1", ownerName: "you" });
  });
});

describe("the model", () => {
  it("is as the server told last on this channel, and unknown on the next until it tells again", async () => {
    const { gateway, page } = await connected();
    expect(page.state().model).toBeNull();
    gateway.tell({ type: "model.status", state: "loading", name: null });
    gateway.tell({ type: "model.status", state: "ready", name: "qwen2.5-7b-instruct" });
    expect(page.state().model).toMatchObject({ state: "ready", name: "qwen2.5-7b-instruct", stand_in: false });
    gateway.link.channel.close();
    expect(page.state().model).toBeNull();
  });
});

describe("what can be inspected", () => {
  it("is how often was tried, and what the browser tells of the channel", async () => {
    const gateway = new FakeGateway();
    gateway.stats = new Map([["C", { type: "local-candidate" }]]);
    const page = pageOf(gateway);
    expect(await page.session.line.inspect()).toEqual({ attempts: 0, readings: null });
    page.session.connect();
    await settle();
    gateway.link.channel.bufferedAmount = 12;
    expect(await page.session.line.inspect()).toMatchObject({ attempts: 1, readings: { ice: "new", bufferedBytes: 12, local: null } });
  });
});
