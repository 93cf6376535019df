import { expect, it } from "vitest";

import { turnThatChanged } from "../src/store/changed_by";
import { addTurn, NO_TURNS, takeTurnMessage, type TurnLog } from "../src/store/turns";
import { completed, fromGateway } from "./samples";

function withTurn(log: TurnLog, id: string, receipt: object): TurnLog {
  const turn = completed(id, { outcome: "confirmed", receipt });
  return takeTurnMessage(addTurn(log, id, id), fromGateway({ type: "turn.completed", turn }));
}

const changes = [{ id: "i1", before: { kind: "item", list_id: "l1", title: "milk" } }];

it("a row was changed last by the newest turn whose second read shows it", () => {
  let log = withTurn(NO_TURNS, "t1", { verdict: "confirmed", observed: { changes } });
  expect(turnThatChanged(log, "i1")).toBe("t1");
  expect(turnThatChanged(log, "i2")).toBeNull();
  log = withTurn(log, "t2", { verdict: "refuted", observed: { changes } });
  expect(turnThatChanged(log, "i1")).toBe("t2");
  log = withTurn(log, "t3", { verdict: "unknown", expected: { changes } });
  log = withTurn(log, "t4", { expected: { changes }, observed: { changes }, others: { changes } });
  log = addTurn(log, "t5", "still running");
  expect(turnThatChanged(log, "i1")).toBe("t2");
});
