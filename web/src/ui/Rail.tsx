import { useEffect, useState, type ReactNode } from "react";

import { stepsOf, type Step } from "../store/rail";
import { hasEnded, type Turn } from "../store/turns";
import { faceOf } from "./faces";
import { Icon, type IconName } from "./icons";
import { texts } from "./texts";
import { duration, type Tone } from "./words";

const TELL_AFTER_MS = 1_000; // what is over sooner does not need to be watched
const TICK_MS = 100;

/** The three steps of a turn, each with its time; the last one in the colour of what it came to. */
export function Rail({ turn }: { readonly turn: Turn }): ReactNode {
  const { completed } = turn;
  const steps = stepsOf(turn);
  const attempt = completed?.receipt.attempt ?? turn.attempt;
  const total = completed?.receipt.timings.total ?? null;
  return (
    <div className="rail">
      <ol className="steps" aria-label={texts.turn.steps}>
        {steps.map((step) => (
          <RailStep
            key={`${step.phase}-${turn.attempt}`}
            step={step}
            tone={step.phase === "confirm" && step.state === "done" && completed !== null ? faceOf(completed).tone : null}
          />
        ))}
      </ol>
      {turn.waitsFor !== null && !hasEnded(turn) && <span className="rail-wait">{texts.turn.waitsFor[turn.waitsFor]}</span>}
      {turn.status === "accepted" && turn.phases.length === 0 && <InLine />}
      {attempt > 1 && <span className="rail-aside">{texts.turn.attempt(attempt)}</span>}
      {total !== null && <span className="rail-aside">{texts.turn.inAll(duration(total))}</span>}
    </div>
  );
}

interface RailStepProps {
  readonly step: Step;
  /** Of the step that says what came of the turn; null for others. */
  readonly tone: Tone | null;
}

function RailStep({ step: { phase, state, ms }, tone }: RailStepProps): ReactNode {
  return (
    <li className="step" data-testid="phase" data-phase={phase} data-state={state} data-tone={tone ?? undefined}>
      <span className="step-mark">{state === "done" && <Icon name={markOf(tone)} />}</span>
      <span className="step-name">{texts.turn.phases[phase]}</span>
      {state === "running" && <RunningTime />}
      {state !== "running" && ms !== null && <span className="step-time">{duration(ms)}</span>}
      {state !== "running" && ms === null && <span className="visually-hidden">{texts.turn.states[state]}</span>}
    </li>
  );
}

function markOf(tone: Tone | null): IconName {
  if (tone === "bad") return "close";
  return tone === "warn" ? "question" : "check";
}

/** That a step is running, and after a while for how long, as far as this page has seen it. */
function RunningTime(): ReactNode {
  const ms = useTimeShown();
  const isLong = ms >= TELL_AFTER_MS;
  return (
    <>
      <span className={isLong ? "visually-hidden" : "step-time"}>{texts.turn.states.running}</span>
      {isLong && (
        <span className="step-time" aria-hidden="true">
          {duration(ms)}
        </span>
      )}
    </>
  );
}

function InLine(): ReactNode {
  return useTimeShown() < TELL_AFTER_MS ? null : <span className="rail-aside">{texts.turn.inLine}</span>;
}

/** Milliseconds since the component was first shown. */
function useTimeShown(): number {
  const [since] = useState(() => performance.now());
  const [ms, setMs] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setMs(performance.now() - since), TICK_MS);
    return () => clearInterval(timer);
  }, [since]);
  return ms;
}
