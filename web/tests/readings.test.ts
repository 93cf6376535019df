import { describe, expect, it } from "vitest";

import { readingsOf } from "../src/connection/readings";

const PAIR = {
  type: "candidate-pair",
  id: "P",
  state: "succeeded",
  nominated: true,
  localCandidateId: "L",
  remoteCandidateId: "R",
  bytesSent: 10,
  bytesReceived: 20,
  currentRoundTripTime: 0.0123,
};
const RELAY = { type: "local-candidate", candidateType: "relay", protocol: "udp", relayProtocol: "tcp", address: "203.0.113.7", port: 49152 };
const HOST = { type: "remote-candidate", candidateType: "host", protocol: "udp", address: "fd00::2", port: 4000 };

function stats(...entries: readonly (readonly [string, object])[]): ReadonlyMap<string, unknown> {
  return new Map(entries);
}

describe("what the browser tells of a connection", () => {
  it("is read from Chromium's statistics: the transport counts its whole life", () => {
    const transport = { type: "transport", selectedCandidatePairId: "P", bytesSent: 100, bytesReceived: 200 };
    expect(readingsOf("connected", 7, stats(["T", transport], ["P", PAIR], ["L", RELAY], ["R", HOST]))).toEqual({
      ice: "connected",
      local: { type: "relay", protocol: "tcp", address: "203.0.113.7:49152" },
      remote: { type: "host", protocol: "udp", address: "[fd00::2]:4000" },
      bufferedBytes: 7,
      sentBytes: 100,
      receivedBytes: 200,
      rttMs: 12.3,
    });
  });

  it("is read from Firefox's, which has no transport, and hides an address by an empty one", () => {
    const hidden = { ...HOST, address: "", port: 0 };
    expect(readingsOf("completed", 0, stats(["P", PAIR], ["L", RELAY], ["R", hidden]))).toMatchObject({
      remote: { type: "host", protocol: "udp", address: null },
      sentBytes: 10,
      receivedBytes: 20,
    });
  });

  it("is nothing but ICE's state while there is no pair", () => {
    expect(readingsOf("checking", 0, stats(["L", RELAY], ["X", { type: "codec" }]))).toEqual({
      ice: "checking",
      local: null,
      remote: null,
      bufferedBytes: 0,
      sentBytes: null,
      receivedBytes: null,
      rttMs: null,
    });
  });
});
