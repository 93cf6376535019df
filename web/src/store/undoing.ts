/** What became of a change after it was made: taken back, made again, by a click or by a later request. Pure. */

import type { OperationsCompleted, Receipt, TurnCompleted } from "../connection/protocol";
import type { Operations, OperationState } from "./operations";
import type { TurnLog } from "./turns";

/** A change was, or is being, taken back: by an operation of this page, or by a turn. */
export type UndoLink = OperationState | TurnCompleted;

/** What took a change back, then what took that back, and so on. Only the last link may have come to nothing. */
export function undoLinksOf(operations: Operations, log: TurnLog, changeId: string): readonly UndoLink[] {
  const links: UndoLink[] = [];
  const met = new Set<string>();
  let current: string | null = changeId;
  while (current !== null && !met.has(current)) {
    met.add(current);
    const undo = newestUndoOf(operations, current);
    const link: UndoLink | undefined =
      undo !== undefined && changeMadeBy(undo) !== null ? undo : (turnThatUndid(log, current) ?? undo);
    if (link === undefined) break;
    links.push(link);
    current = changeMadeBy(link);
  }
  return links;
}

/** The change to be taken back next: what the last link made, or, where that made none, what it was about. */
export function changeAfter(links: readonly UndoLink[], changeId: string): string {
  return links.map(changeMadeBy).findLast((made) => made !== null) ?? changeId;
}

export function isTurn(link: UndoLink): link is TurnCompleted {
  return "turn_id" in link;
}

/** Whether a receipt is of a change that took another one back. */
export function isUndo({ operations }: Receipt): boolean {
  return operations.some(({ op }) => op === "undo_change");
}

/** The change that a link is seen to have made; null where it is not, or not yet. */
export function changeMadeBy(link: UndoLink): string | null {
  if (isTurn(link)) return madeBy(link);
  return link.status === "completed" ? madeBy(link.result) : null;
}

function madeBy({ outcome, receipt }: Pick<OperationsCompleted, "outcome" | "receipt">): string | null {
  return outcome === "confirmed" && receipt.verdict === "confirmed" ? receipt.change_id : null;
}

function undoes(operations: OperationState["operations"], changeId: string): boolean {
  return operations.some((operation) => operation.op === "undo_change" && operation.change_id === changeId);
}

function newestUndoOf(operations: Operations, changeId: string): OperationState | undefined {
  return [...operations.values()].findLast((state) => undoes(state.operations, changeId));
}

function turnThatUndid(log: TurnLog, changeId: string): TurnCompleted | undefined {
  const turn = log.turns.findLast(
    ({ completed }) => completed !== null && changeMadeBy(completed) !== null && undoes(completed.receipt.operations, changeId),
  );
  return turn?.completed ?? undefined;
}
