/** What the browser tells of a peer connection, read from its statistics for the person to see. Pure; kept nowhere. */

import * as v from "valibot";

import { chosenPair, ofSchema } from "./path";

export interface CandidateSeen {
  /** host, srflx, prflx or relay. */
  readonly type: string;
  /** udp or tcp; of a relay, how it is reached: also tls. */
  readonly protocol: string | null;
  /** With its port; null where the browser hides it. */
  readonly address: string | null;
}

export interface Readings {
  /** RTCIceConnectionState, in the standard's own words. */
  readonly ice: string;
  readonly local: CandidateSeen | null;
  readonly remote: CandidateSeen | null;
  /** Handed to the channel and not yet sent. */
  readonly bufferedBytes: number;
  /** Over the wire, with what encrypts and frames it. Null where the browser does not count. */
  readonly sentBytes: number | null;
  readonly receivedBytes: number | null;
  /** Of ICE's own checks: without the way through the gateway. */
  readonly rttMs: number | null;
}

const text = v.fallback(v.nullish(v.string()), null);
const count = v.fallback(v.nullish(v.number()), null);
const CandidateSchema = v.object({
  candidateType: v.string(),
  protocol: text,
  relayProtocol: text,
  address: text,
  port: count,
});
const CountersSchema = v.object({ bytesSent: count, bytesReceived: count, currentRoundTripTime: count });
const TransportSchema = v.object({ type: v.literal("transport"), bytesSent: count, bytesReceived: count });

function candidate(entry: unknown): CandidateSeen | null {
  const checked = v.safeParse(CandidateSchema, entry);
  if (!checked.success) return null;
  const { candidateType, protocol, relayProtocol, address, port } = checked.output;
  const isKnown = address !== null && address !== undefined && address !== "";
  return {
    type: candidateType,
    protocol: relayProtocol ?? protocol ?? null,
    address: isKnown ? withPort(address, port ?? null) : null,
  };
}

function withPort(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** @param stats what `getStats()` gives, by id */
export function readingsOf(ice: string, bufferedBytes: number, stats: ReadonlyMap<string, unknown>): Readings {
  const pair = chosenPair(stats);
  const [transport] = ofSchema(stats.values(), TransportSchema);
  const counted = v.safeParse(CountersSchema, stats.get(pair?.id ?? ""));
  const counters = counted.success ? counted.output : null;
  const rtt = counters?.currentRoundTripTime ?? null;
  return {
    ice,
    local: candidate(stats.get(pair?.localCandidateId ?? "")),
    remote: candidate(stats.get(pair?.remoteCandidateId ?? "")),
    bufferedBytes,
    // A transport's are of its whole life, a pair's only of itself; Firefox has the pair's alone.
    sentBytes: transport?.bytesSent ?? counters?.bytesSent ?? null,
    receivedBytes: transport?.bytesReceived ?? counters?.bytesReceived ?? null,
    rttMs: rtt === null ? null : rtt * 1000,
  };
}
