/** Whether a question of the agent's can still be answered by its buttons. Pure. */

import type { TurnCompleted, TurnsCandidate } from "../connection/protocol";
import { isQueued, type Turn, type TurnLog } from "./turns";

// The agent's reply to a choice between lists of one name: it means nothing, or something else, without its question.
const BARE_REPLY = /^number \d+$/;

/**
 * The turn that followed and so took the question, whatever it says (docs/decisions/0010); null while it is open. One that
 * was not taken, or waits in the page, has followed nothing yet.
 */
export function turnAfter({ turns }: TurnLog, turnId: string): Turn | null {
  const index = turns.findIndex(({ id }) => id === turnId);
  return turns.slice(index + 1).find((turn) => turn.status !== "rejected" && !isQueued(turn)) ?? null;
}

/**
 * Whether choosing a candidate still does what its label says once another turn has followed.
 *
 * Most replies are whole requests. Not so a bare number, which the store's newest question would take for itself, or
 * refuse; nor a yes to a deletion: it was given for the rows as they were then, and would not be asked about again.
 */
export function outlivesItsQuestion({ reason }: Pick<TurnCompleted, "reason">, { reply }: TurnsCandidate): boolean {
  return reason !== "confirm_deletion" && reason !== "deletion_not_asked_for" && !BARE_REPLY.test(reply);
}
