/** The three steps of a turn as they are shown. Pure. */

import type { Phase } from "../connection/protocol";
import type { Turn } from "./turns";

export interface Step {
  readonly phase: Phase;
  readonly state: "waiting" | "running" | "done" | "skipped";
  /** Null where it is not known. */
  readonly ms: number | null;
}

const PHASES: readonly Phase[] = ["plan", "execute", "confirm"];

/** Each step with its time: measured by the agent where there is a receipt, until then between the events. */
export function stepsOf(turn: Turn): readonly Step[] {
  return PHASES.map((phase) => {
    const index = turn.phases.findIndex((seen) => seen.phase === phase);
    const began = turn.phases[index]?.elapsedMs ?? null;
    const ended = turn.phases[index + 1]?.elapsedMs ?? null;
    const between = began === null || ended === null ? null : ended - began;
    if (turn.completed !== null) {
      const measured = turn.completed.receipt.timings[phase];
      return { phase, state: measured === null && began === null ? "skipped" : "done", ms: measured ?? between };
    }
    if (turn.status === "rejected") return { phase, state: "skipped", ms: null };
    // Of a turn that was going on before a reload, only later phases are told.
    const isPast = PHASES.indexOf(phase) < PHASES.indexOf(turn.phases.at(-1)?.phase ?? "plan");
    if (began === null) return { phase, state: isPast ? "done" : "waiting", ms: null };
    if (index < turn.phases.length - 1) return { phase, state: "done", ms: between };
    // Of a turn that went silent it is not known whether its last step is still running.
    return { phase, state: turn.status === "silent" ? "waiting" : "running", ms: between };
  });
}
