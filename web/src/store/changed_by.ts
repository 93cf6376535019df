/** Which turn a row is as it is because of. Pure. */

import type { TurnLog } from "./turns";

/** The id of the newest turn of this page that is seen to have changed the row; null where none is. */
export function turnThatChanged(log: TurnLog, rowId: string): string | null {
  const changed = log.turns.findLast(({ completed }) => {
    if (completed === null || completed.receipt.verdict === null) return false;
    return completed.receipt.observed.changes.some(({ id }) => id === rowId);
  });
  return changed?.id ?? null;
}
