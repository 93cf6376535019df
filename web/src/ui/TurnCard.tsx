import { memo, type ReactNode } from "react";

import type { Turn } from "../store/turns";
import { AnswerActions } from "./AnswerActions";
import { Bubble } from "./Bubble";
import { Candidates } from "./Candidates";
import { Rail } from "./Rail";
import { ReceiptView } from "./ReceiptView";
import { elementIdOf } from "./Revealer";
import { TurnProblem } from "./TurnProblem";

export const TurnCard = memo(function TurnCard({ turn }: { readonly turn: Turn }): ReactNode {
  const { completed } = turn;
  return (
    <article
      className="turn"
      id={elementIdOf({ kind: "turn", id: turn.id })}
      tabIndex={-1}
      data-testid="turn"
      data-turn-id={turn.id}
      data-status={turn.status}
      data-outcome={completed?.outcome}
      aria-busy={turn.status === "sending" || turn.status === "accepted"}
    >
      <Bubble turn={turn} />
      <div className="answer">
        {turn.status !== "rejected" && turn.status !== "sending" && <Rail turn={turn} />}
        {completed === null && turn.prose !== "" && (
          <p className="turn-text turn-text-draft" dir="auto">
            {turn.prose}
          </p>
        )}
        {completed !== null && (
          <>
            <p className="turn-text" data-testid="turn-text" dir="auto">
              {completed.text}
            </p>
            {completed.candidates.length > 0 && <Candidates completed={completed} />}
            <ReceiptView completed={completed} turn={turn} />
          </>
        )}
        <TurnProblem turn={turn} />
        <AnswerActions turn={turn} />
      </div>
    </article>
  );
});
