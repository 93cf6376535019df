import type { ReactNode } from "react";

import type { Turn } from "../store/turns";
import { useAgentState } from "./agent";
import { faceOf, reasonWords } from "./words";

function endInWords(turn: Turn): string {
  if (turn.completed === null) return `Not taken. ${turn.problem === null ? "" : reasonWords(turn.problem)}`;
  const { outcome, receipt, text } = turn.completed;
  return `${faceOf(outcome, receipt).label}. ${text}`;
}

/** One announcement a turn, when it ends; the log itself is silent, or each phase would be read out. */
export function Announcer(): ReactNode {
  const ended = useAgentState(({ log }) => log.turns.find((turn) => turn.id === log.lastEnded) ?? null);
  return (
    <p className="visually-hidden" role="status">
      {ended !== null && endInWords(ended)}
    </p>
  );
}
