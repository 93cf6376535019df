import { memo, type ReactNode } from "react";

import type { TurnCompleted } from "../connection/protocol";
import { turnAfter } from "../store/questions";
import type { Turn } from "../store/turns";
import { useAgentState } from "./agent";
import { faceOf, isVerified } from "./faces";
import { ReceiptDetails } from "./ReceiptDetails";
import { ReceiptHead } from "./ReceiptHead";
import { ReceiptRows } from "./ReceiptRows";
import { texts } from "./texts";
import { Undo } from "./Undo";

interface ReceiptProps {
  readonly completed: TurnCompleted;
  readonly turn: Pick<Turn, "id" | "traceId">;
}

/** What was understood, what the second read saw, and what it says of the plan. */
export const ReceiptView = memo(function ReceiptView({ completed, turn }: ReceiptProps): ReactNode {
  const { receipt, reason } = completed;
  const isOver = useAgentState(({ log }) => completed.outcome === "clarify" && turnAfter(log, completed.turn_id) !== null);
  const face = faceOf(completed);
  const details = (
    <ReceiptDetails
      receipt={receipt}
      reason={reason}
      traceId={receipt.trace_id ?? turn.traceId}
      of={[texts.receipt.details.turn, turn.id]}
    />
  );
  return (
    <div role="group" className="receipt" data-testid="receipt" data-tone={face.tone} data-face={face.name} aria-label={texts.receipt.name}>
      {/* What was to be done about a question has been done. */}
      <ReceiptHead face={isOver ? { ...face, next: null } : face} receipt={receipt} />
      {receipt.understood.length > 0 && <Understood steps={receipt.understood} />}
      <ReceiptRows receipt={receipt} />
      {isVerified(completed) && receipt.change_id !== null ? (
        <Undo receipt={receipt} changeId={receipt.change_id}>
          {details}
        </Undo>
      ) : (
        details
      )}
    </div>
  );
});

function Understood({ steps }: { readonly steps: readonly string[] }): ReactNode {
  return (
    <div className="understood" data-testid="understood">
      <span className="caption">{texts.receipt.understood}</span>
      <ol>
        {steps.map((step, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- two steps can read the same, and they never move
          <li key={index} dir="auto">
            {step}
          </li>
        ))}
      </ol>
    </div>
  );
}
