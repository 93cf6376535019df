import { describe, expect, it } from "vitest";

import { stepsOf } from "../src/store/rail";
import {
  addTurn,
  modelInUse,
  NO_TURNS,
  rejectTurn,
  sendAgain,
  silenceTurn,
  takeTurnMessage,
  type Turn,
  type TurnLog,
} from "../src/store/turns";
import { completed, fromGateway } from "./samples";

const sent = addTurn(NO_TURNS, "t1", "add milk");

function after(...messages: readonly object[]): TurnLog {
  return messages.reduce<TurnLog>((log, message) => takeTurnMessage(log, fromGateway(message)), sent);
}

function only(log: TurnLog): Turn {
  const [turn] = log.turns;
  if (turn === undefined) throw new Error("the log is empty");
  return turn;
}

const accepted = { type: "turn.accepted", ref: "t1", turn_id: "t1", trace_id: "abc" };
const planned = { type: "turn.phase", turn_id: "t1", phase: "plan", attempt: 1, elapsed_ms: 2 };
const executed = { type: "turn.phase", turn_id: "t1", phase: "execute", attempt: 1, elapsed_ms: 42 };
const done = { type: "turn.completed", turn: completed("t1") };

describe("a turn", () => {
  it("is sending, accepted, and completed once", () => {
    expect(only(sent).status).toBe("sending");
    expect(only(after(accepted))).toMatchObject({ status: "accepted", traceId: "abc" });
    const log = after(accepted, done);
    expect(only(log)).toMatchObject({ status: "completed", completed: { text: "Two items." } });
    expect(log.lastEnded).toBe("t1");
    const twice = { type: "turn.completed", turn: completed("t1", { text: "Something else." }) };
    expect(takeTurnMessage(log, fromGateway(twice))).toBe(log);
  });

  it("that is completed before it is seen to be accepted stays completed", () => {
    expect(only(after(done, accepted, planned))).toMatchObject({ status: "completed", phases: [] });
  });

  it("that was rejected shows why, and can be sent again under its id", () => {
    const rejected = { type: "turn.rejected", code: "internal", detail: "is too much", turn_id: "t1" };
    const log = after(rejected);
    expect(only(log)).toMatchObject({ status: "rejected", problem: { code: "internal", detail: "is too much" } });
    expect(log.lastEnded).toBe("t1");
    const again = sendAgain(log, "t1");
    expect(only(again)).toMatchObject({ id: "t1", status: "sending", problem: null });
    expect(again.lastEnded).toBeNull();
  });

  it.each(["timeout", "rate", "overloaded", "unavailable"])("is not rejected by a refusal with the code %s", (code) => {
    const refused = after({ type: "turn.rejected", code, turn_id: "t1" });
    expect(only(refused)).toMatchObject({ status: "sending", problem: { code } });
    expect(refused.lastEnded).toBeNull();
    expect(only(after({ type: "error", code, ref: "t1" }))).toMatchObject({ status: "sending", problem: { code } });
  });

  it("that was accepted is never rejected, and a refusal to take it twice is no problem of it", () => {
    for (const code of ["overloaded", "rate", "timeout"]) {
      expect(only(after(accepted, { type: "turn.rejected", code, turn_id: "t1" }))).toMatchObject({
        status: "accepted",
        problem: null,
      });
    }
    expect(only(after(accepted, { type: "turn.rejected", code: "invalid", turn_id: "t1" })).status).toBe("accepted");
    expect(only(rejectTurn(after(accepted), "t1", { code: "limit", detail: "" })).status).toBe("accepted");
  });

  it("of which an error says nothing certain is not rejected", () => {
    expect(only(after({ type: "error", code: "internal", ref: "t1" })).status).toBe("sending");
  });

  it("that was rejected and turns out to be stored is accepted", () => {
    expect(only(after({ type: "turn.rejected", code: "internal", turn_id: "t1" }, accepted)).status).toBe("accepted");
  });

  it("that went silent is completed by a late word, and by nothing else", () => {
    const silent = silenceTurn(after(accepted, planned), "t1");
    expect(only(silent)).toMatchObject({ status: "silent", problem: { code: "timeout" } });
    expect(stepsOf(only(silent)).map(({ state }) => state)).not.toContain("running");
    expect(takeTurnMessage(silent, fromGateway(executed))).toBe(silent);
    expect(only(takeTurnMessage(silent, fromGateway(done)))).toMatchObject({ status: "completed", problem: null });
    expect(silenceTurn(silent, "t1")).toBe(silent);
  });

  it("hands its text back when it cannot be taken as it is", () => {
    expect(after({ type: "turn.rejected", code: "invalid", turn_id: "t1" }).putBack).toEqual({ text: "add milk", asked: false });
    expect(after({ type: "turn.rejected", code: "internal", turn_id: "t1" }).putBack).toBeNull();
  });

  it("is found by ref where a refusal does not name it", () => {
    expect(only(after({ type: "turn.rejected", code: "invalid", ref: "t1" })).status).toBe("rejected");
  });

  it("that was accepted is not ended by an error about it", () => {
    expect(only(after(accepted, { type: "error", code: "internal", ref: "t1" }))).toMatchObject({
      status: "accepted",
      problem: { code: "internal" },
    });
  });

  it("collects prose by offset in code points, without doubling what comes twice", () => {
    const piece = (offset: number, text: string): object => ({ type: "turn.delta", turn_id: "t1", attempt: 1, offset, text });
    expect(only(after(accepted, piece(0, "😀 "), piece(2, "hello"), piece(2, "hello"), piece(99, "x"))).prose).toBe("😀 hello");
  });

  it("begins anew with a later attempt and ignores an earlier one", () => {
    const later = { ...planned, attempt: 2, elapsed_ms: 900 };
    const turn = only(after(accepted, planned, executed, later, { ...executed, attempt: 1 }));
    expect(turn.phases).toEqual([{ phase: "plan", elapsedMs: 900 }]);
  });

  it("of another page changes nothing", () => {
    expect(takeTurnMessage(sent, fromGateway({ ...accepted, turn_id: "t9" }))).toBe(sent);
  });
});

describe("the log", () => {
  it("is bounded: ended turns make room, running ones stay", () => {
    let log = sent;
    for (let index = 0; index < 600; index += 1) {
      log = addTurn(log, `n${index}`, "x");
      log = takeTurnMessage(log, fromGateway({ type: "turn.completed", turn: completed(`n${index}`) }));
    }
    expect(log.turns).toHaveLength(500);
    expect(only(log).id).toBe("t1");
  });

  it("knows the newest model that a receipt names", () => {
    const named = { type: "turn.completed", turn: completed("t1", { receipt: { model: { name: "qwen" } } }) };
    expect(modelInUse(after(named))?.name).toBe("qwen");
    expect(modelInUse(after(done))).toBeNull();
  });
});

describe("the rail", () => {
  const states = (log: TurnLog): unknown => stepsOf(only(log)).map(({ state, ms }) => [state, ms]);

  it("follows the phases with the times between them", () => {
    expect(states(after(accepted))).toEqual([["waiting", null], ["waiting", null], ["waiting", null]]);
    expect(states(after(accepted, planned, executed))).toEqual([["done", 40], ["running", null], ["waiting", null]]);
  });

  it("shows the agent's own times in the end, and steps that were not needed", () => {
    const timed = completed("t1", { receipt: { timings: { plan: 40.5 } } });
    expect(states(after(accepted, planned, { type: "turn.completed", turn: timed }))).toEqual([
      ["done", 40.5],
      ["skipped", null],
      ["skipped", null],
    ]);
  });
});
