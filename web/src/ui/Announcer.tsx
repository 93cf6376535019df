import type { ReactNode } from "react";

import { hasEnded, type Turn } from "../store/turns";
import { useAgentState } from "./agent";
import { faceOf } from "./faces";
import { texts } from "./texts";
import { reasonWords } from "./words";

function endInWords(turn: Turn): string {
  if (turn.completed !== null) return `${faceOf(turn.completed).label}. ${turn.completed.text}`;
  if (turn.problem === null || !hasEnded(turn)) return "";
  return `${turn.status === "rejected" ? `${texts.turn.rejected} ` : ""}${reasonWords(turn.problem)}`;
}

/** One announcement a turn, when it ends; the log itself is silent, or each phase would be read out. */
export function Announcer(): ReactNode {
  const ended = useAgentState(({ log }) => log.turns.find((turn) => turn.id === log.lastEnded) ?? null);
  return (
    <div className="visually-hidden">
      <p role="status" data-testid="turn-announced">
        {/* A new element for each turn: the same words twice are news as well. */}
        {ended !== null && <span key={ended.id}>{endInWords(ended)}</span>}
      </p>
    </div>
  );
}
