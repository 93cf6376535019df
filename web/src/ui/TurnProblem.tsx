import type { ReactNode } from "react";

import { isWorthRepeating, type Turn } from "../store/turns";
import { useActions } from "./agent";
import { reasonWords } from "./words";

/** What is wrong with a turn, and what its person can do about it. */
export function TurnProblem({ turn }: { readonly turn: Turn }): ReactNode {
  const session = useActions();
  // Of a turn that is being sent, the rail says all there is to say.
  if (turn.problem === null || turn.status === "sending") return null;
  return (
    <p className="problem" data-testid="turn-problem" data-code={turn.problem.code}>
      <span>
        {turn.status === "rejected" && <strong>Not taken. </strong>}
        {reasonWords(turn.problem)}
      </span>
      {turn.status === "rejected" && isWorthRepeating(turn.problem) && (
        <button type="button" className="button" onClick={() => session.sendAgain(turn.id)}>
          Send again
        </button>
      )}
      {turn.status === "rejected" && !isWorthRepeating(turn.problem) && (
        <button type="button" className="button" onClick={() => session.edit(turn.id)}>
          Edit
        </button>
      )}
    </p>
  );
}
