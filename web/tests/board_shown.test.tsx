import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { TodoItem } from "../src/connection/protocol";
import { applyEntry, beginLoading, EMPTY_BOARD, takeList, type Board } from "../src/store/board";
import { addOperation, completeOperation, doubtOperation, failOperation } from "../src/store/operations";
import { dueInFull, dueLabel } from "../src/ui/due_words";
import { completed, entry, fromGateway, stateList, todoItem, todoList } from "./samples";
import { end, say, session, showPage, store } from "./shown";

const milk = todoItem("i1", "l1", "milk");

function boardOf(...items: TodoItem[]): Board {
  return takeList(beginLoading(EMPTY_BOARD, "r1"), stateList({ list: todoList("l1", "Groceries"), items }));
}

/** The page does what a real session does with a click: it is asked for, and runs. */
let clicks = 0;
beforeEach(() => {
  localStorage.clear();
  clicks = 0;
  showPage({ board: boardOf(milk, todoItem("i2", "l1", "eggs", { due: "2026-11-23", priority: "high", notes: "six" })) });
  session.run.mockImplementation((operations) => {
    clicks += 1;
    store.setState(({ operations: known }) => ({ operations: addOperation(known, `o${clicks}`, operations) }));
    return `o${clicks}`;
  });
});
afterEach(cleanup);

function answer(outcome: string, more: object = {}): void {
  const message = fromGateway({ type: "op.completed", ref: `o${clicks}`, result: { operation_id: `o${clicks}`, outcome, text: "What it says.", receipt: {}, ...more } });
  if (message.type !== "op.completed") throw new Error("is no op.completed");
  act(() => store.setState(({ operations }) => ({ operations: completeOperation(operations, message.result) })));
}

const CONFIRMED = { receipt: { verdict: "confirmed", revision_before: 7, revision_after: 8, change_id: "c8" } };

function box(title: string): HTMLInputElement {
  return screen.getByRole<HTMLInputElement>("checkbox", { name: title });
}

function rows(): (string | null)[] {
  return screen.getAllByRole("checkbox").map((found) => found.getAttribute("aria-label"));
}

describe("the board", () => {
  it("shows lists and to-dos in order, with what is set on them", () => {
    expect(rows()).toEqual(["milk", "eggs"]);
    const eggs = screen.getAllByTestId("item")[1];
    expect(eggs?.textContent).toContain("six");
    expect(eggs?.textContent).toContain("High");
    // As a receipt writes it: nothing of "today", which is another day when it is read again.
    expect(within(eggs ?? document.body).getByTitle(dueInFull("2026-11-23")).textContent).toContain(dueLabel("2026-11-23", new Date()));
    expect(dueInFull("2026-11-23")).toContain("2026");
    expect(screen.getByTestId("list").dataset["listName"]).toBe("Groceries");
  });

  it("points out a row that was changed, for a moment", () => {
    vi.useFakeTimers();
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(8, [{ row_id: "i1", before: milk, after: { ...milk, done: true, version: 2 } }])) })));
    expect(screen.getAllByTestId("item")[0]?.dataset["touched"]).toBe("even");
    act(() => void vi.advanceTimersByTime(1_300));
    expect(screen.getAllByTestId("item")[0]?.dataset["touched"]).toBeUndefined();
    vi.useRealTimers();
  });

  it("marks what a receipt points at, and leads from a row to the turn that changed it", () => {
    act(() => store.setState({ pointed: "i1" }));
    expect(screen.getAllByTestId("item").map(({ dataset }) => dataset["pointed"])).toEqual(["true", "false"]);
    expect(screen.queryByText("last change")).toBeNull();
    say("t1", "add milk");
    end(completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", observed: { changes: [{ id: "i1", after: { kind: "item", list_id: "l1", title: "milk" } }] } } }));
    fireEvent.click(screen.getByText("last change"));
    expect(session.reveal).toHaveBeenCalledWith({ kind: "turn", id: "t1" });
  });

  it("brings a row that a receipt leads to into sight, out of a folded list and any search", () => {
    fireEvent.click(screen.getByRole("button", { name: "Groceries" }));
    expect(screen.queryAllByRole("checkbox")).toEqual([]);
    act(() => store.setState({ revealed: { kind: "row", id: "i2" } }));
    expect(document.activeElement).toBe(box("eggs"));
    fireEvent.input(screen.getByLabelText("Search titles and notes"), { target: { value: "milk" } });
    expect(rows()).toEqual(["milk"]);
    act(() => store.setState({ revealed: { kind: "row", id: "i2" } }));
    expect(document.activeElement).toBe(box("eggs"));
  });
});

describe("a click", () => {
  it("shows at once, and as verified only once the second read confirmed it", () => {
    fireEvent.click(box("milk"));
    expect(session.run).toHaveBeenCalledWith([{ op: "complete_item", item_id: "i1", done: true }], {});
    expect(box("milk").checked).toBe(true);
    expect(screen.getByTestId("board-line").textContent).toContain("Ticking");
    expect(screen.queryByText("verified")).toBeNull();
    answer("confirmed", CONFIRMED);
    expect(screen.getByTestId("board-proof").textContent).toContain("verified r8");
    expect(screen.getByTestId("board-announced").textContent).toBe("What it says. verified.");
  });

  it.each([
    ["refused", "Refused"],
    ["not_found", "Not found"],
    ["conflict", "Conflict"],
    ["refuted", "Refuted"],
    ["failed", "Failed"],
    ["unknown", "Unknown"],
  ])("that was %s is rolled back, and told until it is put away", (outcome, words) => {
    fireEvent.click(box("milk"));
    answer(outcome);
    expect(box("milk").checked).toBe(false);
    const problem = screen.getByTestId("board-problem");
    expect(problem.textContent).toContain(words);
    expect(problem.textContent).toContain("What it says.");
    expect(screen.queryByText("verified")).toBeNull();
    expect(screen.getByTestId("board-announced").textContent).toContain(words);
    fireEvent.click(within(problem).getByLabelText("Dismiss"));
    expect(screen.queryByTestId("board-problem")).toBeNull();
  });

  it("said to be confirmed without a second read is not shown as verified", () => {
    fireEvent.click(box("milk"));
    answer("confirmed", { receipt: { verdict: null } });
    expect(screen.queryByText("verified")).toBeNull();
  });

  it("that failed can be asked for again, and says when it may have been done", () => {
    fireEvent.click(box("milk"));
    act(() => store.setState(({ operations }) => ({ operations: doubtOperation(operations, "o1", { code: "timeout", detail: "" }) })));
    expect(box("milk").checked).toBe(true);
    act(() => store.setState(({ operations }) => ({ operations: failOperation(operations, "o1", { code: "timeout", detail: "No word" }, true) })));
    expect(screen.getByTestId("board-problem").textContent).toContain("Not known whether this was done. No word.");
    expect(box("milk").checked).toBe(false);
    fireEvent.click(screen.getByText("Try again"));
    expect(session.run).toHaveBeenCalledTimes(2);
    expect(session.run.mock.calls[1]).toEqual(session.run.mock.calls[0]);
  });

  it("that deletes can be undone, from the line and with Ctrl+Z, and the undoing is a click like another", () => {
    box("milk").focus();
    fireEvent.keyDown(box("milk"), { key: "Delete" });
    expect(rows()).toEqual(["eggs"]);
    expect(document.activeElement).toBe(box("eggs"));
    answer("confirmed", CONFIRMED);
    fireEvent.keyDown(box("eggs"), { key: "z", ctrlKey: true });
    expect(session.run).toHaveBeenLastCalledWith([{ op: "undo_change", change_id: "c8" }], {});
    answer("confirmed", { receipt: { ...CONFIRMED.receipt, change_id: "c9" } });
    fireEvent.keyDown(box("eggs"), { key: "z", ctrlKey: true });
    expect(session.run).toHaveBeenCalledTimes(2);
    fireEvent.click(screen.getByText("Undo"));
    expect(session.run).toHaveBeenLastCalledWith([{ op: "undo_change", change_id: "c9" }], {});
  });

  it("that is put away, or was told long enough, brings no older one back", () => {
    vi.useFakeTimers();
    for (const title of ["milk", "eggs"]) {
      fireEvent.click(box(title));
      answer("confirmed", { text: `Ticked ${title}.`, receipt: { ...CONFIRMED.receipt, revision_after: 7 + clicks } });
    }
    const announced = screen.getByTestId("board-announced");
    expect(announced.textContent).toBe("Ticked eggs. verified.");
    act(() => void vi.advanceTimersByTime(12_000));
    expect(screen.queryByTestId("board-line")).toBeNull();
    expect(screen.queryByText("verified")).toBeNull();
    expect(announced.textContent).toBe("Ticked eggs. verified.");
    fireEvent.click(box("milk"));
    answer("confirmed", CONFIRMED);
    fireEvent.click(box("eggs"));
    answer("refused");
    fireEvent.click(within(screen.getByTestId("board-problem")).getByLabelText("Dismiss"));
    expect(screen.queryByTestId("board-line")).toBeNull();
    expect(announced.textContent).toContain("Refused");
    vi.useRealTimers();
  });

  it("is undone by Ctrl+Z after its line has gone, again after a failed undoing, and only where it was verified", () => {
    const undo = (): void => void fireEvent.keyDown(box("eggs"), { key: "z", ctrlKey: true });
    for (const change of ["c8", "c9"]) {
      fireEvent.click(box("milk"));
      answer("confirmed", { receipt: { ...CONFIRMED.receipt, change_id: change } });
    }
    fireEvent.click(box("milk"));
    answer("confirmed", { receipt: { verdict: null, change_id: "c10" } });
    for (const shown of screen.queryAllByLabelText("Dismiss")) fireEvent.click(shown);
    undo();
    expect(session.run).toHaveBeenLastCalledWith([{ op: "undo_change", change_id: "c9" }], {});
    answer("failed");
    undo();
    expect(session.run).toHaveBeenLastCalledWith([{ op: "undo_change", change_id: "c9" }], {});
    answer("confirmed", { receipt: { ...CONFIRMED.receipt, change_id: "c11" } });
    undo();
    expect(session.run).toHaveBeenLastCalledWith([{ op: "undo_change", change_id: "c8" }], {});
  });

  it("that deletes a list is only good for what is seen of it", () => {
    const head = screen.getByRole("button", { name: "Groceries" });
    head.focus();
    fireEvent.keyDown(head, { key: "Delete" });
    expect(session.run).toHaveBeenCalledWith([{ op: "delete_list", list_id: "l1" }], { onlyIfUnchanged: ["l1"] });
  });
});

describe("the page", () => {
  const leaves = (): boolean => window.dispatchEvent(new Event("beforeunload", { cancelable: true }));

  it("is not left without a question while a click waits for its result", () => {
    expect(leaves()).toBe(true);
    fireEvent.click(box("milk"));
    expect(leaves()).toBe(false);
    answer("confirmed", CONFIRMED);
    expect(leaves()).toBe(true);
  });

  it("shows nothing that was written or done on the board to who signs in next", () => {
    fireEvent.click(box("eggs"));
    answer("refused");
    fireEvent.keyDown(box("milk"), { key: "F2" });
    expect(screen.queryByTestId("editor")).not.toBeNull();
    act(() => store.setState(({ owners }) => ({ owners: owners + 1, board: EMPTY_BOARD })));
    expect(screen.queryByTestId("editor")).toBeNull();
    expect(screen.queryByTestId("board-problem")).toBeNull();
  });
});

describe("what is added", () => {
  it("is shown whatever is looked for, until something else is", () => {
    const search = screen.getByLabelText("Search titles and notes");
    fireEvent.input(search, { target: { value: "milk" } });
    fireEvent.click(screen.getByRole("button", { name: "Add a to-do to Groceries" }));
    const written = screen.getByLabelText<HTMLInputElement>("New to-do in Groceries");
    fireEvent.input(written, { target: { value: "tea" } });
    fireEvent.submit(written);
    expect(rows()).toEqual(["milk", "tea"]);
    fireEvent.input(search, { target: { value: "eggs" } });
    expect(rows()).toEqual(["eggs"]);
    fireEvent.click(screen.getByTestId("new-list"));
    const name = screen.getByLabelText<HTMLInputElement>("Name of the new list");
    fireEvent.input(name, { target: { value: "Farm" } });
    fireEvent.submit(name);
    expect(screen.getAllByTestId("list").map(({ dataset }) => dataset["listName"])).toEqual(["Groceries", "Farm"]);
  });
});

describe("an editor", () => {
  const title = (): HTMLInputElement => screen.getByLabelText<HTMLInputElement>("Title");
  beforeEach(() => {
    box("milk").focus();
    fireEvent.keyDown(box("milk"), { key: "Enter" });
    fireEvent.input(title(), { target: { value: "oat milk" } });
  });

  it("stays open until what was saved is confirmed", () => {
    fireEvent.submit(screen.getByTestId("editor"));
    expect(session.run).toHaveBeenCalledWith([{ op: "update_item", item_id: "i1", title: "oat milk" }], { onlyIfUnchanged: ["i1"] });
    expect(title().value).toBe("oat milk");
    answer("confirmed", CONFIRMED);
    expect(screen.queryByTestId("editor")).toBeNull();
  });

  it("keeps what was written where the row was changed meanwhile, and says so", () => {
    fireEvent.submit(screen.getByTestId("editor"));
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(8, [{ row_id: "i1", before: milk, after: { ...milk, title: "soy milk", version: 2 } }])) })));
    answer("conflict", { reason: "stale_view" });
    expect(screen.getByTestId("changed-elsewhere").textContent).toContain("soy milk");
    expect(screen.getByTestId("editor-state").textContent).toContain("changed by somebody else");
    expect(title().value).toBe("oat milk");
    fireEvent.click(screen.getByText("Take theirs"));
    expect(title().value).toBe("soy milk");
  });

  it("keeps what was written where the row is deleted meanwhile, to be added again", () => {
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(8, [{ row_id: "i1", before: milk }])) })));
    expect(screen.getByTestId("editor").textContent).toContain("deleted elsewhere");
    fireEvent.submit(screen.getByTestId("editor"));
    expect(session.run.mock.calls[0]?.[0]).toMatchObject([{ op: "create_item", list_id: "l1", title: "oat milk" }]);
    expect(rows()).toContain("oat milk");
  });

  it("saves nothing that is empty or too long, and nothing where nothing was changed", () => {
    for (const wrong of ["  ", "x".repeat(501)]) {
      fireEvent.input(title(), { target: { value: wrong } });
      fireEvent.submit(screen.getByTestId("editor"));
    }
    fireEvent.input(title(), { target: { value: " milk " } });
    fireEvent.submit(screen.getByTestId("editor"));
    expect(session.run).not.toHaveBeenCalled();
    expect(screen.queryByTestId("editor")).toBeNull();
    expect(document.activeElement).toBe(box("milk"));
  });

  it("takes no focus where it is made anew, and keeps its own", () => {
    title().focus();
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(8, [{ row_id: "i1", before: milk }])) })));
    expect(screen.getByTestId("editor").textContent).toContain("deleted elsewhere");
    expect(document.activeElement).toBe(title());
    const search = screen.getByLabelText("Search titles and notes");
    search.focus();
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(9, [{ row_id: "i1", after: milk }])) })));
    expect(screen.getByTestId("editor").textContent).not.toContain("deleted elsewhere");
    expect(document.activeElement).toBe(search);
  });

  it("is closed with Escape, which nobody else hears", () => {
    const heard = vi.fn<() => void>();
    document.addEventListener("keydown", heard);
    fireEvent.keyDown(title(), { key: "Escape" });
    document.removeEventListener("keydown", heard);
    expect(screen.queryByTestId("editor")).toBeNull();
    expect(heard).not.toHaveBeenCalled();
    expect(session.run).not.toHaveBeenCalled();
  });
});

describe("with keys", () => {
  it("one row is reached with Tab, and arrows go from row to row", () => {
    const reachable = (): number => document.querySelectorAll('.board [data-stop][tabindex="0"]').length;
    expect(reachable()).toBe(1);
    const head = screen.getByRole("button", { name: "Groceries" });
    head.focus();
    fireEvent.keyDown(head, { key: "ArrowDown" });
    expect(document.activeElement).toBe(box("milk"));
    fireEvent.keyDown(box("milk"), { key: "End" });
    expect(document.activeElement).toBe(box("eggs"));
    fireEvent.keyDown(box("eggs"), { key: "ArrowUp" });
    expect(document.activeElement).toBe(box("milk"));
    expect(reachable()).toBe(1);
  });

  it("the buttons of a row are reached with Tab after an edit as before", () => {
    box("milk").focus();
    fireEvent.keyDown(box("milk"), { key: "Enter" });
    fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape" });
    expect(document.activeElement).toBe(box("milk"));
    expect(screen.getByRole("button", { name: "Edit milk" }).tabIndex).toBe(0);
    expect(screen.getByRole("button", { name: "What can be done with milk" }).tabIndex).toBe(0);
    expect(screen.getByRole("button", { name: "Edit eggs" }).tabIndex).toBe(-1);
  });

  it("the focus goes on to the next row where the filter takes away the one that is ticked", () => {
    fireEvent.click(screen.getByRole("button", { name: "Open" }));
    box("milk").focus();
    fireEvent.click(box("milk"));
    expect(rows()).toEqual(["eggs"]);
    expect(document.activeElement).toBe(box("eggs"));
    fireEvent.click(box("eggs"));
    expect(screen.queryAllByRole("checkbox")).toEqual([]);
    expect(document.activeElement).toBe(screen.getByRole("region", { name: "Lists" }));
  });

  it("the focus goes on where somebody else deletes the row, but not from elsewhere", () => {
    box("milk").focus();
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(8, [{ row_id: "i1", before: milk }])) })));
    expect(document.activeElement).toBe(box("eggs"));
    const search = screen.getByLabelText("Search titles and notes");
    search.focus();
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(9, [{ row_id: "i2", before: todoItem("i2", "l1", "eggs") }])) })));
    expect(document.activeElement).toBe(search);
  });

  it("the dialog that moves a to-do begins at its search, and the focus goes on where the to-do is deleted meanwhile", () => {
    box("milk").focus();
    fireEvent.keyDown(box("milk"), { key: "m" });
    expect(document.activeElement).toBe(screen.getByLabelText("Find a list"));
    act(() => store.setState(({ board }) => ({ board: applyEntry(board, entry(8, [{ row_id: "i1", before: milk }])) })));
    expect(screen.queryByLabelText("Find a list")).toBeNull();
    expect(document.activeElement).toBe(box("eggs"));
  });

  it("letters do nothing where a person has turned them off", () => {
    act(() => store.setState(({ preferences }) => ({ preferences: { ...preferences, letterKeys: false } })));
    box("milk").focus();
    fireEvent.keyDown(box("milk"), { key: "n" });
    expect(screen.queryByLabelText("New to-do in Groceries")).toBeNull();
    act(() => store.setState(({ preferences }) => ({ preferences: { ...preferences, letterKeys: true } })));
    fireEvent.keyDown(box("milk"), { key: "n" });
    expect(screen.getByLabelText("New to-do in Groceries")).toBe(document.activeElement);
  });

  it("a to-do is moved, and it is announced where to", () => {
    box("milk").focus();
    fireEvent.keyDown(box("milk"), { key: "ArrowDown", altKey: true });
    expect(session.run).toHaveBeenCalledWith([{ op: "move_item", item_id: "i1", list_id: "l1", after_id: "i2" }], {});
    expect(rows()).toEqual(["eggs", "milk"]);
    expect(document.activeElement).toBe(box("milk"));
    expect(screen.getByText(/moves to/).textContent).toContain("2 of 2");
    fireEvent.keyDown(box("milk"), { key: "ArrowDown", altKey: true });
    expect(session.run).toHaveBeenCalledTimes(1);
    expect(screen.getByText(/cannot be moved further/)).not.toBeNull();
  });
});
