/** What stood in the way of an attempt, told from how far it came. Pure. */

/** How far an attempt came before it ended without a channel. */
export interface Progress {
  /** Signaling let us enter. */
  readonly entered: boolean;
  /** A gateway answered the offer. */
  readonly answered: boolean;
  readonly relayOffered: boolean;
  /** The browser was given a relay candidate. */
  readonly relayHad: boolean;
  /** Codes of `icecandidateerror` about relays: those of STUN (RFC 8489, 8656), and 701 for one that cannot be reached. */
  readonly relayErrors: ReadonlySet<number>;
  /** ICE found a pair of candidates that works. */
  readonly paired: boolean;
}

export type Obstacle =
  | "unreachable"
  | "cut_off"
  | "unanswered"
  | "unopened"
  | "no_relay_offered"
  | "relay_refused"
  | "relay_full"
  | "relay_unreachable"
  | "relay_in_vain";

const REFUSED: readonly number[] = [401, 403, 441]; // unauthenticated, forbidden, wrong credentials
const FULL: readonly number[] = [486, 508]; // allocation quota reached, insufficient capacity

export function obstacleOf(progress: Progress): Obstacle {
  if (!progress.entered) return "unreachable";
  if (!progress.answered) return "unanswered";
  if (progress.paired) return "unopened";
  if (progress.relayHad) return "relay_in_vain";
  if (!progress.relayOffered) return "no_relay_offered";
  // A relay has several addresses: one that answered says more than another that could not be reached.
  if (REFUSED.some((code) => progress.relayErrors.has(code))) return "relay_refused";
  return FULL.some((code) => progress.relayErrors.has(code)) ? "relay_full" : "relay_unreachable";
}

/** Whether an address of an ICE server is that of a relay. */
export function isRelayUrl(url: string): boolean {
  return /^turns?:/i.test(url);
}
