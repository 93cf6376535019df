import { memo, useState, type ReactNode } from "react";

import type { TurnsCandidate } from "../connection/protocol";
import { stepsOf, type Step } from "../store/rail";
import type { Turn } from "../store/turns";
import { useActions, useAgentState } from "./agent";
import { Bubble } from "./Bubble";
import { ReceiptView } from "./ReceiptView";
import { elementIdOf } from "./Revealer";
import { TurnProblem } from "./TurnProblem";
import { duration, PHASE_WORDS, sendingWords, WAITING_WORDS } from "./words";

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
        {turn.status !== "rejected" && <Rail turn={turn} />}
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
            {completed.candidates.length > 0 && <Candidates candidates={completed.candidates} />}
            <ReceiptView completed={completed} turn={turn} />
          </>
        )}
        <TurnProblem turn={turn} />
      </div>
    </article>
  );
});

function Rail({ turn }: { readonly turn: Turn }): ReactNode {
  const connected = useAgentState((state) => state.connection.name === "connected");
  if (turn.status === "sending") return <p className="quiet">{sendingWords(connected, turn.problem)}</p>;
  return (
    <ol className="rail" aria-label="Steps">
      {stepsOf(turn).map((step) => (
        <RailStep key={step.phase} step={step} waitsFor={step.state === "running" ? turn.waitsFor : null} />
      ))}
    </ol>
  );
}

const STEP_WORDS: Readonly<Record<Step["state"], string>> = {
  waiting: "not yet",
  running: "running",
  done: "done",
  skipped: "not needed",
};

function RailStep({ step, waitsFor }: { readonly step: Step; readonly waitsFor: Turn["waitsFor"] }): ReactNode {
  return (
    <li className="step" data-testid="phase" data-phase={step.phase} data-state={step.state}>
      <span className="step-mark" aria-hidden="true" />
      <span className="step-name">{PHASE_WORDS[step.phase]}</span>
      {step.ms === null ? (
        <span className={step.state === "running" ? "step-time" : "visually-hidden"}>{STEP_WORDS[step.state]}</span>
      ) : (
        <span className="step-time">{duration(step.ms)}</span>
      )}
      {waitsFor !== null && <span className="step-time"> {WAITING_WORDS[waitsFor]}</span>}
    </li>
  );
}

/** One click answers a clarifying question, once. */
function Candidates({ candidates }: { readonly candidates: readonly TurnsCandidate[] }): ReactNode {
  const session = useActions();
  const [chosen, setChosen] = useState<number | null>(null);
  return (
    <ul className="chips">
      {candidates.map(({ label, detail, reply }, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- two candidates can be alike, and they never move
        <li key={index}>
          <button
            type="button"
            className="chip"
            data-testid="candidate"
            disabled={chosen !== null}
            aria-pressed={chosen === index}
            onClick={() => {
              if (session.send(reply)) setChosen(index);
            }}
          >
            <bdi>{label}</bdi>
            {detail !== null && (
              <span className="quiet">
                {" "}
                <bdi>{detail}</bdi>
              </span>
            )}
          </button>
        </li>
      ))}
    </ul>
  );
}
