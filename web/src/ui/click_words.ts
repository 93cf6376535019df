/** What became of a click, in words. Pure. */

import type { OperationState } from "../store/operations";
import { UNCHECKED } from "../store/runs";
import { faceOf, isVerified as isVerifiedEnd, type Face } from "./faces";
import { texts } from "./texts";
import { reasonWords } from "./words";

/** Its face, once it has ended with a result. */
export function faceOfClick(state: OperationState): Face | null {
  return state.status === "completed" ? faceOf(state.result) : null;
}

/** Whether the second read confirmed it. */
export function isVerified(state: OperationState): boolean {
  return state.status === "completed" && isVerifiedEnd(state.result);
}

/** Whether it is so now: the second read confirmed it, or nothing had to change. */
export function isGood(state: OperationState): boolean {
  return isVerified(state) || faceOfClick(state)?.name === "already_so";
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
    case "completed":
      return isGood(state) ? state.result.text : `${faceOf(state.result).label}. ${whyNot(state.result)}`;
  }
}

function whyNot({ reason, text }: { readonly reason: string | null; readonly text: string }): string {
  if (reason === UNCHECKED) return texts.board.unchecked;
  return reason === "stale_view" ? texts.board.staleView : text;
}
