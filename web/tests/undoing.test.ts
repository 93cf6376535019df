import { describe, expect, it } from "vitest";
import * as v from "valibot";

import { OperationsCompletedSchema } from "../src/connection/protocol";
import { addOperation, completeOperation, failOperation, NO_OPERATIONS, type Operations } from "../src/store/operations";
import { addTurn, NO_TURNS, takeTurnMessage, type TurnLog } from "../src/store/turns";
import { changeAfter, changeMadeBy, isTurn, undoLinksOf } from "../src/store/undoing";
import { completed, fromGateway } from "./samples";

function asked(operations: Operations, id: string, changeId: string): Operations {
  return addOperation(operations, id, [{ op: "undo_change", change_id: changeId }]);
}

/** @param made the change that the undo made; null where it was refused */
function ended(operations: Operations, id: string, made: string | null): Operations {
  const more = made === null ? { outcome: "conflict", receipt: {} } : { outcome: "confirmed", receipt: { verdict: "confirmed", change_id: made } };
  return completeOperation(operations, v.parse(OperationsCompletedSchema, { operation_id: id, text: "", ...more }));
}

function withTurn(log: TurnLog, id: string, undone: string, made: string, more: object = {}): TurnLog {
  const receipt = { verdict: "confirmed", change_id: made, operations: [{ op: "undo_change", change_id: undone }], ...more };
  const turn = completed(id, { outcome: "confirmed", receipt });
  return takeTurnMessage(addTurn(log, id, "undo"), fromGateway({ type: "turn.completed", turn }));
}

function linksOf(operations: Operations, log: TurnLog = NO_TURNS): readonly string[] {
  return undoLinksOf(operations, log, "c0").map((link) => (isTurn(link) ? link.turn_id : link.id));
}

function nextOf(operations: Operations, log: TurnLog = NO_TURNS): string {
  return changeAfter(undoLinksOf(operations, log, "c0"), "c0");
}

describe("what took a change back", () => {
  it("is nothing, as long as nobody asked for it", () => {
    expect(linksOf(ended(asked(NO_OPERATIONS, "o1", "another"), "o1", "c1"))).toEqual([]);
    expect(nextOf(NO_OPERATIONS)).toBe("c0");
  });

  it("is an operation, then the one that took that back, and so on", () => {
    let operations = asked(NO_OPERATIONS, "o1", "c0");
    expect([linksOf(operations), nextOf(operations)]).toEqual([["o1"], "c0"]);
    operations = ended(operations, "o1", "c1");
    expect([linksOf(operations), nextOf(operations)]).toEqual([["o1"], "c1"]);
    operations = ended(asked(operations, "o2", "c1"), "o2", "c2");
    expect([linksOf(operations), nextOf(operations)]).toEqual([["o1", "o2"], "c2"]);
  });

  it("is the newest try, where an earlier one came to nothing", () => {
    let operations = ended(asked(NO_OPERATIONS, "o1", "c0"), "o1", null);
    expect([linksOf(operations), nextOf(operations)]).toEqual([["o1"], "c0"]);
    operations = asked(operations, "o2", "c0");
    expect(linksOf(operations)).toEqual(["o2"]);
    operations = failOperation(operations, "o2", { code: "timeout", detail: "late" }, true);
    expect([linksOf(operations), nextOf(operations)]).toEqual([["o2"], "c0"]);
  });

  it("can be a later turn, which outweighs a click that came to nothing", () => {
    const operations = ended(asked(NO_OPERATIONS, "o1", "c0"), "o1", null);
    const log = withTurn(NO_TURNS, "t2", "c0", "c1");
    expect([linksOf(operations, log), nextOf(operations, log)]).toEqual([["t2"], "c1"]);
    expect(linksOf(ended(asked(operations, "o2", "c1"), "o2", "c2"), log)).toEqual(["t2", "o2"]);
  });

  it("is no turn whose second read did not confirm it", () => {
    expect(linksOf(NO_OPERATIONS, withTurn(NO_TURNS, "t2", "c0", "c1", { verdict: "refuted" }))).toEqual([]);
  });

  it("ends, also where a server tells of changes in a circle", () => {
    const operations = ended(asked(ended(asked(NO_OPERATIONS, "o1", "c0"), "o1", "c1"), "o2", "c1"), "o2", "c0");
    expect(linksOf(operations)).toEqual(["o1", "o2"]);
  });

  it("made a change only where outcome and verdict both are confirmed", () => {
    for (const outcome of ["confirmed", "failed"]) {
      for (const verdict of ["confirmed", "refuted", "unknown", null]) {
        const made = changeMadeBy(completed("t1", { outcome, receipt: { verdict, change_id: "c1" } }));
        expect(made).toBe(outcome === "confirmed" && verdict === "confirmed" ? "c1" : null);
      }
    }
  });
});
