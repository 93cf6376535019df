/** What became of a click, in words. Pure. */

import type { OperationState } from "../store/operations";
import { texts } from "./texts";
import { reasonWords } from "./words";

/** Whether the second read confirmed it, or showed that nothing had to change. */
export function isGood(state: OperationState): boolean {
  return state.status === "completed" && (isVerified(state) || state.result.outcome === "already_so");
}

/** Only a verdict of the second read makes it so, never the outcome's word alone. */
export function isVerified(state: OperationState): boolean {
  return state.status === "completed" && state.result.outcome === "confirmed" && state.result.receipt.verdict === "confirmed";
}

/** Whether asking for the same once more may come to something else. */
export function isWorthRepeating(state: OperationState): boolean {
  if (state.status === "running") return false;
  if (state.status === "failed") return state.reason.code !== "invalid" && state.reason.code !== "too_large";
  return state.result.outcome === "failed" || state.result.outcome === "conflict" || state.result.outcome === "unknown";
}

/** One line about it. */
export function clickWords(state: OperationState): string {
  switch (state.status) {
    case "running":
      return state.problem === null ? texts.board.saving : texts.board.askingAgain;
    case "failed":
      return `${state.doubtful ? texts.board.inDoubt : texts.board.notDone}. ${reasonWords(state.reason)}`;
    case "completed": {
      const { outcome, reason, text } = state.result;
      if (outcome === "confirmed" || outcome === "already_so") return text;
      const told = reason === "stale_view" ? texts.board.staleView : text;
      return `${texts.board.outcomes[outcome]}. ${told}`;
    }
  }
}
