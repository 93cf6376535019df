import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { chosenPath } from "../src/connection/path";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle } from "./paired";

type Stats = ReadonlyMap<string, unknown>;

interface Entry {
  readonly id: string;
  readonly [fact: string]: unknown;
}

function statistics(local: object, more: readonly Entry[] = [{ id: "T1", type: "transport", selectedCandidatePairId: "P2" }]): Stats {
  const entries: readonly Entry[] = [
    { id: "P1", type: "candidate-pair", state: "failed", nominated: false, localCandidateId: "L0", remoteCandidateId: "R1" },
    { id: "P2", type: "candidate-pair", state: "succeeded", nominated: true, localCandidateId: "L1", remoteCandidateId: "R1" },
    { id: "L0", type: "local-candidate", candidateType: "host", protocol: "udp", address: "192.0.2.1" },
    { id: "L1", type: "local-candidate", ...local },
    { id: "R1", type: "remote-candidate", candidateType: "host", protocol: "udp", address: "192.0.2.9" },
    ...more,
  ];
  return new Map(entries.map((entry) => [entry.id, entry]));
}

const relayed = { candidateType: "relay", protocol: "udp", relayProtocol: "tcp" };

describe("the chosen pair", () => {
  it("is the one that the transport names, by what carries the page's end of it", () => {
    expect(chosenPath(statistics({ candidateType: "srflx", protocol: "udp" }))).toEqual({
      local: "srflx",
      remote: "host",
      protocol: "udp",
    });
    expect(chosenPath(statistics(relayed))).toEqual({ local: "relay", remote: "host", protocol: "tcp" });
    expect(chosenPath(statistics({ ...relayed, relayProtocol: "tls" }))?.protocol).toBe("tls");
  });

  it("is the nominated one that succeeded where no transport names one, as in Firefox", () => {
    expect(chosenPath(statistics(relayed, []))).toEqual({ local: "relay", remote: "host", protocol: "tcp" });
  });

  it("is not known before there is one, nor of a kind that nobody knows", () => {
    expect(chosenPath(new Map())).toBeNull();
    expect(chosenPath(statistics(relayed, [{ id: "T1", type: "transport", selectedCandidatePairId: "P9" }]))).toBeNull();
    expect(chosenPath(statistics({ candidateType: "carrier pigeon", protocol: "udp" }))).toBeNull();
  });
});

describe("the path of a connection", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("is reported to the gateway once, with the time that connecting took, and never with an address", async () => {
    const gateway = new FakeGateway();
    gateway.stats = new Map(statistics(relayed));
    const page = pageOf(gateway);
    page.session.connect();
    await settle();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(gateway.heardOf("path.report")).toEqual([
      { type: "path.report", id: "path-1", local: "relay", remote: "host", protocol: "tcp", connect_ms: expect.any(Number) as number },
    ]);
    expect(page.state().path).toEqual({ local: "relay", remote: "host", protocol: "tcp" });
  });

  it("is asked for again with the next pongs where it is not known yet, and then no more", async () => {
    const { gateway, page } = await connected();
    expect(page.state().path).toBeNull();
    for (const [id, entry] of statistics(relayed)) gateway.link.peer?.stats.set(id, entry);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(gateway.heardOf("path.report")).toHaveLength(1);

    const other = await connected();
    const { peer } = other.gateway.link;
    if (peer === null) throw new Error("the page has made no peer");
    const asked = vi.spyOn(peer, "getStats");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it("is forgotten with the connection", async () => {
    const gateway = new FakeGateway();
    gateway.stats = new Map(statistics(relayed));
    const page = pageOf(gateway);
    page.session.connect();
    await settle();
    gateway.stats = new Map();
    gateway.link.channel.close();
    expect(page.state().path).toBeNull();
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state().connection.name).toBe("connected");
    expect(page.state().path).toBeNull();
  });
});
