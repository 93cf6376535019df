import type { ReactNode } from "react";

import { retryOf, type Turn } from "../store/turns";
import { useActions } from "./agent";
import { texts } from "./texts";
import { reasonWords } from "./words";

/** What is wrong with a turn, and what its person can do about it. */
export function TurnProblem({ turn }: { readonly turn: Turn }): ReactNode {
  const session = useActions();
  // Of a turn that is being sent, its mark says all there is to say.
  if (turn.problem === null || turn.status === "sending") return null;
  return (
    <p className="problem" data-testid="turn-problem" data-code={turn.problem.code}>
      <span>
        {turn.status === "rejected" && <strong>{texts.turn.rejected} </strong>}
        {reasonWords(turn.problem)}
      </span>
      {retryOf(turn) !== null && (
        <button type="button" className="button" onClick={() => session.sendAgain(turn.id)}>
          {turn.status === "silent" ? texts.chat.askAgain : texts.chat.sendAgain}
        </button>
      )}
      {turn.status === "rejected" && retryOf(turn) === null && (
        <button type="button" className="button" onClick={() => session.edit(turn.id)}>
          {texts.chat.edit}
        </button>
      )}
    </p>
  );
}
