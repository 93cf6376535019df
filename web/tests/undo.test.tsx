import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import * as v from "valibot";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { OperationsCompletedSchema } from "../src/connection/protocol";
import { addOperation, completeOperation, doubtOperation, failOperation, type Operations } from "../src/store/operations";
import { completed } from "./samples";
import { end, say, session, showPage, store } from "./shown";

const MILK = { id: "i1", after: { kind: "item", list_id: "l1", title: "milk" }, list_name: "Groceries" };
const change = (to: (operations: Operations) => Operations): void =>
  act(() => store.setState(({ operations }) => ({ operations: to(operations) })));

let count = 0;
/** What BOARD's session does when it runs: the operation is in the store at once. */
function runs(): void {
  session.run.mockImplementation((operations) => {
    count += 1;
    const id = `o${count}`;
    store.setState((state) => ({ operations: addOperation(state.operations, id, operations) }));
    return id;
  });
}

function endUndo(id: string, more: object): void {
  change((operations) => completeOperation(operations, v.parse(OperationsCompletedSchema, { operation_id: id, text: "", ...more })));
}

function undone(id: string, changeId: string, text = "Took the change back."): void {
  const receipt = { verdict: "confirmed", change_id: changeId, revision_before: 42, revision_after: 43, observed: { changes: [{ ...MILK, before: MILK.after, after: null }] } };
  endUndo(id, { outcome: "confirmed", text, receipt });
}

beforeEach(() => {
  count = 0;
  showPage();
  runs();
  say("t1", "add milk");
  const receipt = { verdict: "confirmed", change_id: "c0", revision_before: 41, revision_after: 42, observed: { changes: [MILK] } };
  end(completed("t1", { outcome: "confirmed", text: "Added “milk”.", receipt }));
});
afterEach(cleanup);

const button = (): HTMLElement => screen.getByTestId("undo");
const asked = (): unknown[] => session.run.mock.calls.map(([operations]) => operations);
const announced = (): string => screen.getByTestId("undo-announced").textContent;

describe("undo", () => {
  it("is offered for a verified change, and for nothing else", () => {
    expect(button().textContent).toBe("Undo");
    const others = [
      { outcome: "refuted", receipt: { verdict: "refuted", change_id: "c9" } },
      { outcome: "unknown", receipt: { verdict: "unknown", change_id: "c9" } },
      { outcome: "confirmed", receipt: { change_id: "c9" } },
      { outcome: "confirmed", receipt: { verdict: "confirmed" } },
      { outcome: "answered", receipt: {} },
    ];
    others.forEach((other, index) => {
      say(`u${index}`, "x");
      end(completed(`u${index}`, other));
    });
    expect(screen.getAllByTestId("undo")).toHaveLength(1);
  });

  it("takes the receipt's change back, once, and keeps the focus while it runs", () => {
    button().focus();
    fireEvent.click(button());
    expect(asked()).toEqual([[{ op: "undo_change", change_id: "c0" }]]);
    expect(button().textContent).toBe("Undoing");
    fireEvent.click(button());
    expect(asked()).toHaveLength(1);
    undone("o1", "c1");
    expect(button().textContent).toBe("Redo");
    expect(document.activeElement).toBe(button());
  });

  it("shows its own receipt in the card, with its own verdict, and says it once", () => {
    fireEvent.click(button());
    expect(announced()).toBe("");
    undone("o1", "c1", "Took the change back. Deleted “milk” from “Groceries”.");
    const receipt = within(screen.getByTestId("undo-receipt"));
    expect(receipt.getByTestId("verdict").textContent).toBe("Undone · Verified");
    expect(receipt.getByTestId("verdict").dataset["tone"]).toBe("good");
    expect(receipt.getByTestId("revisions").textContent).toBe("r42 → r43");
    expect(receipt.getByTestId("receipt-row").textContent).toBe("−removed milk in Groceries");
    expect(announced()).toBe("Undone · Verified. Took the change back. Deleted “milk” from “Groceries”.");
  });

  it("can itself be undone, and that again; what is over is told in a line", () => {
    fireEvent.click(button());
    undone("o1", "c1");
    fireEvent.click(button());
    expect(asked().at(-1)).toEqual([{ op: "undo_change", change_id: "c1" }]);
    expect(button().textContent).toBe("Redoing");
    undone("o2", "c2");
    expect(screen.getAllByTestId("undo-line").map((line) => line.textContent)).toEqual(["Undone r42 → r43"]);
    expect(within(screen.getByTestId("undo-receipt")).getByTestId("verdict").textContent).toBe("Redone · Verified");
    expect(button().textContent).toBe("Undo");
    fireEvent.click(button());
    expect(asked().at(-1)).toEqual([{ op: "undo_change", change_id: "c2" }]);
  });

  it.each([
    ["conflict", "changed_since", "Not undone · Conflict", "warn"],
    ["not_found", "unknown_change", "Not undone · Not found", "plain"],
    ["refused", "undo_alone", "Not undone · Refused", "plain"],
    ["failed", null, "Not undone · Failed", "bad"],
  ])("that ends as %s says so plainly, and can be tried again", (outcome, reason, words, tone) => {
    fireEvent.click(button());
    endUndo("o1", { outcome, reason, text: "Nothing was changed.", receipt: {} });
    const badge = within(screen.getByTestId("undo-receipt")).getByTestId("verdict");
    expect([badge.textContent, badge.dataset["tone"]]).toEqual([words, tone]);
    expect(announced()).toBe(`${words}. Nothing was changed.`);
    expect(button().textContent).toBe("Try again");
    fireEvent.click(button());
    expect(asked()).toEqual([[{ op: "undo_change", change_id: "c0" }], [{ op: "undo_change", change_id: "c0" }]]);
  });

  it("that the database refutes is not green, and is not called undone", () => {
    fireEvent.click(button());
    endUndo("o1", { outcome: "refuted", text: "Nothing of it is there.", receipt: { verdict: "refuted", change_id: "c1", expected: { changes: [MILK] } } });
    const badge = within(screen.getByTestId("undo-receipt")).getByTestId("verdict");
    expect([badge.textContent, badge.dataset["tone"]]).toEqual(["Not undone · Refuted", "bad"]);
  });

  it("of what somebody else took back already says so, and offers nothing more", () => {
    fireEvent.click(button());
    endUndo("o1", { outcome: "already_so", text: "It is so already.", receipt: {} });
    expect(within(screen.getByTestId("undo-receipt")).getByTestId("verdict").textContent).toContain("Already so");
    expect(screen.queryByTestId("undo")).toBeNull();
  });

  it("that found no way to the server says whether it may have been done", () => {
    const reason = { code: "unavailable", detail: "there was no connection" } as const;
    fireEvent.click(button());
    change((operations) => doubtOperation(operations, "o1", reason));
    expect(screen.getByTestId("receipt").textContent).toContain("Not known yet; asking again");
    change((operations) => failOperation(operations, "o1", reason, false));
    expect(screen.getByTestId("undo-problem").textContent).toBe("Not undone. There was no connection.");
    fireEvent.click(button());
    change((operations) => failOperation(operations, "o2", reason, true));
    expect(screen.getByTestId("undo-problem").textContent).toBe("There was no connection.");
  });

  it("by a later request leads to that, and is called redo there", () => {
    say("t2", "undo");
    const receipt = { verdict: "confirmed", change_id: "c1", operations: [{ op: "undo_change", change_id: "c0" }] };
    end(completed("t2", { outcome: "confirmed", text: "Took the change back.", receipt }));
    expect(screen.getByTestId("undo-line").textContent).toContain("Undone by a later request");
    fireEvent.click(screen.getByTestId("show-turn"));
    expect(session.reveal).toHaveBeenCalledWith({ kind: "turn", id: "t2" });
    expect(screen.getAllByTestId("undo").map((each) => each.textContent)).toEqual(["Redo"]);
    fireEvent.click(button());
    expect(asked()).toEqual([[{ op: "undo_change", change_id: "c1" }]]);
    undone("o1", "c2");
    const badges = screen.getAllByTestId("undo-receipt").map((each) => within(each).getByTestId("verdict").textContent);
    expect(badges).toEqual(["Redone · Verified", "Redone · Verified"]);
  });
});
