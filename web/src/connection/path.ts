/** The pair of candidates that ICE chose, read from a peer connection's statistics. Pure. No address is looked at. */

import * as v from "valibot";

import { CandidateTypeSchema, PathProtocolSchema, type PathReport } from "./protocol";

export type Path = Pick<PathReport, "local" | "remote" | "protocol">;

const PairSchema = v.object({
  type: v.literal("candidate-pair"),
  id: v.string(),
  state: v.optional(v.string()),
  nominated: v.optional(v.boolean()),
  localCandidateId: v.string(),
  remoteCandidateId: v.string(),
});
const TransportSchema = v.object({ type: v.literal("transport"), selectedCandidatePairId: v.string() });
const CandidateSchema = v.object({
  candidateType: CandidateTypeSchema,
  protocol: v.fallback(PathProtocolSchema, "udp"),
  relayProtocol: v.fallback(v.optional(PathProtocolSchema), undefined),
});

/** The entries of this shape. */
export function ofSchema<Schema extends v.GenericSchema>(stats: Iterable<unknown>, schema: Schema): v.InferOutput<Schema>[] {
  return [...stats].flatMap((entry) => {
    const checked = v.safeParse(schema, entry);
    return checked.success ? [checked.output] : [];
  });
}

type Pair = v.InferOutput<typeof PairSchema>;

/** The pair of candidates in use, or null. @param stats what `getStats()` gives, by id */
export function chosenPair(stats: ReadonlyMap<string, unknown>): Pair | null {
  const [transport] = ofSchema(stats.values(), TransportSchema);
  const pairs = ofSchema(stats.values(), PairSchema);
  // Firefox has no transport that names the pair.
  const pair =
    transport === undefined
      ? pairs.find(({ state, nominated }) => state === "succeeded" && nominated === true)
      : pairs.find(({ id }) => id === transport.selectedCandidatePairId);
  return pair ?? null;
}

/** @param stats what `getStats()` gives, by id. @returns null where no pair is chosen yet */
export function chosenPath(stats: ReadonlyMap<string, unknown>): Path | null {
  const pair = chosenPair(stats);
  const local = v.safeParse(CandidateSchema, stats.get(pair?.localCandidateId ?? ""));
  const remote = v.safeParse(CandidateSchema, stats.get(pair?.remoteCandidateId ?? ""));
  if (!local.success || !remote.success) return null;
  const { candidateType, protocol, relayProtocol } = local.output;
  return { local: candidateType, remote: remote.output.candidateType, protocol: relayProtocol ?? protocol };
}
