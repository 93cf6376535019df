import { useId, useState, type ReactNode } from "react";

import type { TurnCompleted } from "../connection/protocol";
import { outlivesItsQuestion, turnAfter } from "../store/questions";
import { useActions, useAgentState } from "./agent";
import { texts } from "./texts";

/** One click answers a clarifying question, once; and not any more when something else was said meanwhile. */
export function Candidates({ completed }: { readonly completed: TurnCompleted }): ReactNode {
  const session = useActions();
  const closedId = useId();
  const [clicked, setClicked] = useState<number | null>(null);
  const followed = useAgentState(({ log }) => turnAfter(log, completed.turn_id)?.text ?? null);
  const { candidates } = completed;
  // After a reload the click is known by what it sent.
  const sent = candidates.findIndex(({ reply }) => reply === followed);
  const chosen = clicked ?? (sent === -1 ? null : sent);
  const isOver = followed !== null && chosen === null;
  const isClosed = isOver && candidates.some((candidate) => !outlivesItsQuestion(completed, candidate));
  return (
    <div className="choices">
      <ul className="chips" aria-label={texts.turn.choices}>
        {candidates.map((candidate, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- two candidates can be alike, and they never move
          <li key={index}>
            <button
              type="button"
              className="chip"
              data-testid="candidate"
              disabled={chosen !== null || (isOver && !outlivesItsQuestion(completed, candidate))}
              aria-pressed={chosen === index}
              aria-describedby={isClosed ? closedId : undefined}
              onClick={() => {
                if (session.send(candidate.reply)) setClicked(index);
              }}
            >
              <bdi>{candidate.label}</bdi>
              {candidate.detail !== null && (
                <span className="quiet">
                  {" "}
                  <bdi>{candidate.detail}</bdi>
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
      {isClosed && (
        <p className="quiet" id={closedId}>
          {texts.turn.closed}
        </p>
      )}
    </div>
  );
}
