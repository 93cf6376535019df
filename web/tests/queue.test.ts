import { describe, expect, it } from "vitest";

import { afterEnds, ask, goOn, hold, leaveQueue, stopAll, turnDue } from "../src/store/queue";
import {
  isQueued,
  isRunning,
  NO_TURNS,
  putBack,
  rejectTurn,
  sendAgain,
  silenceTurn,
  takeTurnMessage,
  turnSent,
  withoutTurns,
  type TurnLog,
} from "../src/store/turns";
import { completed, fromGateway, seeded } from "./samples";

const three = ask(ask(ask(NO_TURNS, "t1", "one"), "t2", "two"), "t3", "three");

/** What a change makes of a log, as the page does it: what is queued is held or goes on, and what is due leaves. */
function step(log: TurnLog, to: (log: TurnLog) => TurnLog): TurnLog {
  const changed = afterEnds(to(log), log);
  const due = turnDue(changed);
  return due === null ? changed : leaveQueue(changed, due.id);
}

const end = (id: string, more: object = {}) => (log: TurnLog): TurnLog =>
  takeTurnMessage(log, fromGateway({ type: "turn.completed", turn: completed(id, more) }));
const shown = ({ turns }: TurnLog): string[] => turns.map(({ text, status }) => `${text} ${status}`);

describe("the queue", () => {
  it("sends one turn at a time, in order", () => {
    expect(shown(three)).toEqual(["one sending", "two queued", "three queued"]);
    const next = step(three, end("t1"));
    expect(shown(next)).toEqual(["one completed", "two sending", "three queued"]);
    expect(shown(step(next, end("t2", { outcome: "confirmed" })))).toEqual(["one completed", "two completed", "three sending"]);
  });

  it.each(["clarify", "conflict", "cancelled", "refuted", "failed", "unknown"])("is held by an end that is %s", (outcome) => {
    expect(shown(step(three, end("t1", { outcome })))).toEqual(["one completed", "two held", "three held"]);
  });

  it("is held by a turn that was not taken, and by one that went silent", () => {
    expect(shown(step(three, (log) => rejectTurn(log, "t1", { code: "internal", detail: "" })))).toContain("two held");
    const silent = step(three, (log) => silenceTurn(log, "t1"));
    expect(shown(silent)).toContain("two held");
    // A late good word lets it go on.
    expect(shown(step(silent, end("t1")))).toContain("two sending");
  });

  it("that is held goes on when the person says so, or after an answer to what held it", () => {
    const asks = step(three, end("t1", { outcome: "clarify" }));
    expect(shown(step(asks, goOn))).toEqual(["one completed", "two sending", "three queued"]);
    const answered = step(asks, (log) => ask(log, "t4", "answer"));
    expect(shown(answered)).toEqual(["one completed", "answer sending", "two held", "three held"]);
    expect(shown(step(answered, end("t4")))).toEqual(["one completed", "answer completed", "two sending", "three queued"]);
  });

  it("takes back a turn that is edited, and keeps the places of the others", () => {
    const edited = putBack(three, "t2");
    expect(shown(edited)).toEqual(["one sending", "three queued"]);
    expect(edited.putBack).toEqual({ text: "two", asked: true });
    expect(shown(putBack(three, "t1"))).toEqual(shown(three));
  });

  it("lets a turn that is tried again wait for its time", () => {
    const rejected = rejectTurn(ask(NO_TURNS, "t1", "one"), "t1", { code: "internal", detail: "" });
    const running = ask(rejected, "t2", "two");
    expect(shown(sendAgain(running, "t1"))).toEqual(["two sending", "one queued"]);
    expect(shown(sendAgain(rejected, "t1"))).toEqual(["one sending"]);
  });

  it("is not moved by what history says of turns that ended long ago", () => {
    const held = hold(three);
    const joined = { ...held, turns: [{ ...three.turns[0], id: "t0", status: "completed", completed: completed("t0") } as never, ...held.turns] };
    expect(afterEnds(joined, held)).toBe(joined);
  });
});

describe("stop", () => {
  it("marks what the gateway was given, and holds the rest", () => {
    const { log, sent, unsent } = stopAll(turnSent(three, "t1"));
    expect(sent.map(({ id }) => id)).toEqual(["t1"]);
    expect(unsent).toEqual([]);
    expect(log.turns.map(({ stopping }) => stopping)).toEqual([true, false, false]);
    expect(shown(log)).toEqual(["one sending", "two stopped", "three stopped"]);
    // However it ends, nothing goes on by itself.
    expect(shown(step(log, end("t1", { outcome: "confirmed" })))).toEqual(["one completed", "two stopped", "three stopped"]);
    expect(stopAll(log).sent).toEqual([]);
  });

  it("holds until the person lets go on, whatever else is asked and ends well meanwhile", () => {
    const stopped = step(stopAll(turnSent(three, "t1")).log, end("t1", { outcome: "cancelled" }));
    const asked = step(step(stopped, (log) => ask(log, "t4", "four")), (log) => ask(log, "t5", "five"));
    expect(shown(asked)).toEqual(["one completed", "four sending", "two stopped", "three stopped", "five queued"]);
    const next = step(asked, end("t4"));
    expect(shown(next)).toEqual(["one completed", "four completed", "five sending", "two stopped", "three stopped"]);
    const all = step(next, end("t5"));
    expect(shown(all).slice(-2)).toEqual(["two stopped", "three stopped"]);
    expect(shown(step(all, goOn)).slice(-2)).toEqual(["two sending", "three queued"]);
  });

  it("of what an earlier end holds lets that go on at the person's word alone as well", () => {
    const asks = step(step(three, end("t1", { outcome: "clarify" })), (log) => ask(log, "t4", "four"));
    const stopped = step(stopAll(turnSent(asks, "t4")).log, end("t4", { outcome: "cancelled" }));
    const answered = step(step(stopped, (log) => ask(log, "t5", "five")), end("t5"));
    expect(shown(answered).slice(-2)).toEqual(["two stopped", "three stopped"]);
  });

  it("keeps what the gateway was never given at the head of the queue", () => {
    const { log, unsent } = stopAll(three);
    expect(unsent.map(({ id }) => id)).toEqual(["t1"]);
    expect(shown(log)).toEqual(["one stopped", "two stopped", "three stopped"]);
    expect(shown(step(log, goOn))).toEqual(["one sending", "two queued", "three queued"]);
  });

  it("of nothing changes nothing", () => {
    const log = step(ask(NO_TURNS, "t1", "one"), end("t1"));
    expect(stopAll(log).log).toBe(log);
  });
});

describe("whatever a person does", () => {
  it.each(Array.from({ length: 30 }, (_, seed) => seed))("one turn is under way at most, the queue keeps its order, and nothing is lost (seed %i)", (seed) => {
    const random = seeded(seed);
    const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
    const outcomes = ["confirmed", "answered", "clarify", "failed", "cancelled"];
    let log: TurnLog = NO_TURNS;
    let count = 0;
    const gone = new Set<string>();
    for (let round = 0; round < 200; round += 1) {
      const before = log.turns.filter(isQueued).map(({ id }) => id);
      const running = pick(log.turns.filter(isRunning));
      const waiting = pick(log.turns.filter(isQueued));
      const acts: readonly (() => void)[] = [
        () => {
          count += 1;
          log = step(log, (known) => ask(known, `t${String(count).padStart(4, "0")}`, `${count}`));
        },
        () => {
          if (running !== undefined) log = step(log, end(running.id, { outcome: pick(outcomes) }));
        },
        () => {
          if (running !== undefined) log = step(log, (known) => rejectTurn(known, running.id, { code: "internal", detail: "" }));
        },
        () => {
          if (running !== undefined) log = step(log, (known) => turnSent(known, running.id));
        },
        () => {
          const stopped = stopAll(log);
          log = step(log, () => stopped.log);
        },
        () => {
          if (waiting === undefined) return;
          gone.add(waiting.id);
          log = step(log, (known) => (random() < 0.5 ? withoutTurns(known, new Set([waiting.id])) : putBack(known, waiting.id)));
        },
        () => {
          log = step(log, goOn);
        },
      ];
      pick(acts)?.();
      expect(log.turns.filter(isRunning).length).toBeLessThan(2);
      const after = log.turns.filter(isQueued).map(({ id }) => id);
      const stayed = before.filter((id) => after.includes(id));
      expect(after.filter((id) => stayed.includes(id))).toEqual(stayed);
      expect(log.turns.findIndex(isQueued)).toBe(after.length === 0 ? -1 : log.turns.length - after.length);
      // Whatever waits is held, unless something is under way.
      expect(log.turns.some(({ status }) => status === "queued") && !log.turns.some(isRunning)).toBe(false);
      expect(log.turns.length + gone.size).toBe(count);
    }
  });
});
