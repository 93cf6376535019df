import { describe, expect, it } from "vitest";

import { abandonLoading, applyEntry, beginLoading, EMPTY_BOARD, inOrder, passOver, takeList, type Board } from "../src/store/board";
import { entry, stateList, todoItem, todoList } from "./samples";

const groceries = todoList("l1", "Groceries");
const milk = todoItem("i1", "l1", "milk");

function loaded(): Board {
  return takeList(beginLoading(EMPTY_BOARD, "r1"), stateList({ list: groceries, items: [milk] }));
}

function titles(board: Board): readonly (readonly string[])[] {
  return inOrder(board.lists, board.items).map(({ list, items }) => [list.name, ...items.map((item) => item.title)]);
}

describe("loading the state", () => {
  it("shows nothing until the last list has arrived", () => {
    const first = stateList({ list: groceries, items: [milk], last: false });
    const half = takeList(beginLoading(EMPTY_BOARD, "r1"), first);
    expect(titles(half)).toEqual([]);
    const whole = takeList(half, stateList({ index: 1, list: todoList("l2", "Travel") }));
    expect(titles(whole)).toEqual([["Groceries", "milk"], ["Travel"]]);
    expect(whole).toMatchObject({ revision: 7, loading: null, stale: false });
  });

  it("takes an owner without lists", () => {
    expect(takeList(beginLoading(EMPTY_BOARD, "r1"), stateList({ revision: 0 }))).toMatchObject({ revision: 0, stale: false });
  });

  it("keeps the old board until the new one is whole, and then drops what is gone", () => {
    const again = beginLoading(loaded(), "r2");
    expect(titles(again)).toEqual([["Groceries", "milk"]]);
    const whole = takeList(again, stateList({ ref: "r2", revision: 9, list: todoList("l2", "Travel") }));
    expect(titles(whole)).toEqual([["Travel"]]);
  });

  it("ignores the answer to another request", () => {
    const board = beginLoading(EMPTY_BOARD, "r2");
    expect(takeList(board, stateList({ ref: "r1" }))).toBe(board);
  });

  it("gives up on parts that are out of order or of two revisions", () => {
    const half = takeList(beginLoading(EMPTY_BOARD, "r1"), stateList({ last: false, list: groceries }));
    expect(takeList(half, stateList({ index: 2 }))).toMatchObject({ loading: null, stale: true });
    expect(takeList(half, stateList({ index: 1, revision: 8 }))).toMatchObject({ loading: null, stale: true });
  });

  it("applies what changed meanwhile, once", () => {
    const eggs = entry(8, [{ row_id: "i2", after: todoItem("i2", "l1", "eggs") }]);
    const older = entry(7, [{ row_id: "i1", before: milk }]);
    const busy = [older, eggs].reduce(applyEntry, beginLoading(EMPTY_BOARD, "r1"));
    const whole = takeList(busy, stateList({ list: groceries, items: [milk] }));
    expect(titles(whole)).toEqual([["Groceries", "milk", "eggs"]]);
    expect(whole).toMatchObject({ revision: 8, stale: false });
  });

  it("is stale again when the connection goes away", () => {
    expect(abandonLoading(beginLoading(loaded(), "r2"))).toMatchObject({ loading: null, stale: true, revision: 7 });
  });
});

describe("a change", () => {
  it("adds, changes and removes rows and points them out", () => {
    const done = { ...milk, done: true, version: 2 };
    const added = applyEntry(loaded(), entry(8, [{ row_id: "l2", after: todoList("l2", "Travel") }]));
    const changed = applyEntry(added, entry(9, [{ row_id: "i1", before: milk, after: done }]));
    expect(changed.items.get("i1")?.done).toBe(true);
    expect([...changed.touched]).toEqual([["l2", 8], ["i1", 9]]);
    const removed = applyEntry(changed, entry(10, [{ row_id: "i1", before: done }]));
    expect(titles(removed)).toEqual([["Groceries"], ["Travel"]]);
  });

  it("of a list that goes takes its items along", () => {
    const gone = applyEntry(loaded(), entry(8, [{ row_id: "l1", before: groceries }]));
    expect(gone.items.size).toBe(0);
    expect(titles(gone)).toEqual([]);
  });

  it("that is old or comes twice changes nothing", () => {
    const board = applyEntry(loaded(), entry(8, [{ row_id: "i2", after: todoItem("i2", "l1", "eggs") }]));
    expect(applyEntry(board, entry(8, [{ row_id: "i1", before: milk }]))).toBe(board);
    expect(applyEntry(board, entry(3, [{ row_id: "i1", before: milk }]))).toBe(board);
  });

  it("behind a gap is not applied: the state has to be asked for", () => {
    const board = applyEntry(loaded(), entry(9, [{ row_id: "i1", before: milk }]));
    expect(board).toMatchObject({ revision: 7, stale: true });
    expect(titles(board)).toEqual([["Groceries", "milk"]]);
  });

  it("that was too large to be told has to be read from the state", () => {
    const board = applyEntry(loaded(), { ...entry(8), truncated: true });
    expect(board).toMatchObject({ revision: 7, stale: true });
  });

  it("before any state was received asks for it", () => {
    expect(applyEntry({ ...EMPTY_BOARD, stale: false }, entry(1)).stale).toBe(true);
  });
});

describe("changes that were passed over", () => {
  it("make the board stale, which stays as it is until it is read again", () => {
    const board = passOver(loaded(), 600);
    expect(board).toMatchObject({ revision: 7, stale: true });
    expect(titles(board)).toEqual([["Groceries", "milk"]]);
  });

  it("while the state is being received matter only where it does not hold them", () => {
    const receiving = passOver(beginLoading(loaded(), "r2"), 9);
    expect(takeList(receiving, stateList({ ref: "r2", revision: 9 }))).toMatchObject({ revision: 9, stale: false });
    expect(takeList(receiving, stateList({ ref: "r2", revision: 8 }))).toMatchObject({ revision: 8, stale: true });
    expect(takeList(passOver(receiving, 3), stateList({ ref: "r2", revision: 8 })).stale).toBe(true);
  });

  it("are not held against the next state", () => {
    const receiving = passOver(beginLoading(loaded(), "r2"), 9);
    const again = beginLoading(abandonLoading(receiving), "r3");
    expect(takeList(again, stateList({ ref: "r3", revision: 2 }))).toMatchObject({ revision: 2, stale: false });
  });
});

describe("a change to a stale board", () => {
  it("that follows is shown, and does not take the doubt away", () => {
    const stale = applyEntry(loaded(), entry(9));
    const followed = applyEntry(stale, entry(8, [{ row_id: "i2", after: todoItem("i2", "l1", "eggs") }]));
    expect(followed).toMatchObject({ revision: 8, stale: true });
  });
});

describe("what is pointed out", () => {
  it("are the rows of the last 20 changes, each by its newest", () => {
    const edits = Array.from({ length: 25 }, (_, index) =>
      entry(8 + index, [{ row_id: index === 0 ? "i0" : "i1", after: { ...milk, id: index === 0 ? "i0" : "i1", version: index + 2 } }]),
    );
    expect([...edits.reduce(applyEntry, loaded()).touched]).toEqual([["i1", 32]]);
  });
});

describe("inOrder", () => {
  it("gives what has not changed as the same objects again", () => {
    const whole = takeList(
      takeList(beginLoading(EMPTY_BOARD, "r1"), stateList({ list: groceries, items: [milk], last: false })),
      stateList({ index: 1, list: todoList("l2", "Travel"), items: [todoItem("i9", "l2", "passport")] }),
    );
    const before = inOrder(whole.lists, whole.items);
    const changed = applyEntry(whole, entry(8, [{ row_id: "i9", after: todoItem("i9", "l2", "visa", { version: 2 }) }]));
    const after = inOrder(changed.lists, changed.items, before);
    expect(after[0]).toBe(before[0]);
    expect(after[1]?.items.map(({ title }) => title)).toEqual(["visa"]);
  });

  it("orders by position, then id, by code unit", () => {
    const lists = [todoList("b", "B", "a"), todoList("a", "A", "a"), todoList("c", "C", "Z")];
    const byId = new Map(lists.map((list) => [list.id, list]));
    expect(inOrder(byId, new Map()).map(({ list }) => list.id)).toEqual(["c", "a", "b"]);
  });
});
