import { describe, expect, it } from "vitest";

import type { Operation } from "../src/connection/operations";
import type { ListOnBoard } from "../src/store/board";
import { moveTo, stepFrom, type Target } from "../src/store/moving";
import { addOperation, completeOperation, failOperation, NO_OPERATIONS, seeEntry, type Operations } from "../src/store/operations";
import { overlaid, pendingOperations } from "../src/store/overlay";
import { entry, fromGateway, seeded, todoItem, todoList } from "./samples";

const LISTS: readonly ListOnBoard[] = [
  { list: todoList("l1", "Groceries"), items: [todoItem("i1", "l1", "milk"), todoItem("i2", "l1", "eggs"), todoItem("i3", "l1", "bread")] },
  { list: todoList("l2", "Travel"), items: [todoItem("i4", "l2", "passport")] },
  { list: todoList("l3", "Empty"), items: [] },
];

function after(...operations: Operation[]): readonly ListOnBoard[] {
  return overlaid(LISTS, pendingOperations(addOperation(NO_OPERATIONS, "o1", operations), 7));
}

function titles(lists: readonly ListOnBoard[]): Record<string, string[]> {
  return Object.fromEntries(lists.map(({ list, items }) => [list.name, items.map(({ title }) => title)]));
}

function done(operations: Operations, outcome: string, receipt: object = {}): Operations {
  const message = fromGateway({ type: "op.completed", ref: "o1", result: { operation_id: "o1", outcome, text: "", receipt } });
  if (message.type !== "op.completed") throw new Error("is no op.completed");
  return completeOperation(operations, message.result);
}

describe("a click, before it is confirmed", () => {
  it.each<[string, Operation, Record<string, string[]>]>([
    ["makes a list", { op: "create_list", list_id: "l9", name: "Work" }, { Groceries: ["milk", "eggs", "bread"], Travel: ["passport"], Empty: [], Work: [] }],
    ["renames one", { op: "rename_list", list_id: "l2", name: "Trip" }, { Groceries: ["milk", "eggs", "bread"], Trip: ["passport"], Empty: [] }],
    ["deletes one with its to-dos", { op: "delete_list", list_id: "l1" }, { Travel: ["passport"], Empty: [] }],
    ["adds at the end", { op: "create_item", item_id: "i9", list_id: "l2", title: "visa" }, { Groceries: ["milk", "eggs", "bread"], Travel: ["passport", "visa"], Empty: [] }],
    ["deletes", { op: "delete_item", item_id: "i2" }, { Groceries: ["milk", "bread"], Travel: ["passport"], Empty: [] }],
    ["moves behind another", { op: "move_item", item_id: "i1", list_id: "l1", after_id: "i2" }, { Groceries: ["eggs", "milk", "bread"], Travel: ["passport"], Empty: [] }],
    ["moves to the front of another list", { op: "move_item", item_id: "i1", list_id: "l2", first: true }, { Groceries: ["eggs", "bread"], Travel: ["milk", "passport"], Empty: [] }],
    ["moves to the end of another list", { op: "move_item", item_id: "i1", list_id: "l3" }, { Groceries: ["eggs", "bread"], Travel: ["passport"], Empty: ["milk"] }],
    ["does nothing to what is not there", { op: "move_item", item_id: "i1", list_id: "l8" }, titles(LISTS)],
    ["is not guessed where only the journal knows", { op: "undo_change", change_id: "c1" }, titles(LISTS)],
  ])("%s", (_, operation, expected) => {
    expect(titles(after(operation))).toEqual(expected);
  });

  it("ticks and changes only the fields that it names", () => {
    const [groceries] = after(
      { op: "complete_item", item_id: "i1" },
      { op: "update_item", item_id: "i2", title: "six eggs", due: "2026-12-01", priority: "high" },
      { op: "update_item", item_id: "i2", clear_due: true },
    );
    expect(groceries?.items[0]).toMatchObject({ title: "milk", done: true });
    expect(groceries?.items[1]).toMatchObject({ title: "six eggs", due: null, priority: "high", notes: "" });
  });

  it("leaves the lists that it is not about as the same objects", () => {
    const lists = after({ op: "complete_item", item_id: "i4" });
    expect(lists[0]).toBe(LISTS[0]);
    expect(lists[1]).not.toBe(LISTS[1]);
  });

  it("done twice is as done once: the rows may hold it already", () => {
    const create: Operation = { op: "create_item", item_id: "i9", list_id: "l2", title: "visa" };
    const move: Operation = { op: "move_item", item_id: "i1", list_id: "l1", after_id: "i2" };
    expect(titles(after(create, create, move, move))).toEqual(titles(after(create, move)));
  });
});

describe("a click is laid over the rows", () => {
  const tick = addOperation(NO_OPERATIONS, "o1", [{ op: "complete_item", item_id: "i1" }]);
  const isOver = (operations: Operations, revision: number): boolean => pendingOperations(operations, revision).length > 0;

  it("until the journal has told it and the board is there", () => {
    const seen = seeEntry(tick, { ...entry(8), operation_id: "o1" });
    expect([isOver(tick, 7), isOver(seen, 7), isOver(seen, 8)]).toEqual([true, true, false]);
  });

  it("after it was confirmed until the board has reached that revision", () => {
    const confirmed = done(tick, "confirmed", { verdict: "confirmed", revision_before: 7, revision_after: 8 });
    expect([isOver(confirmed, 7), isOver(confirmed, 8)]).toEqual([true, false]);
  });

  it("that had nothing to change until the board shows what the server saw", () => {
    const needless = done(tick, "already_so", { revision_before: 8 });
    expect([isOver(needless, 7), isOver(needless, 8)]).toEqual([true, false]);
  });

  it.each(["refused", "not_found", "conflict", "refuted", "unknown", "failed", "cancelled"])("no more once it was %s", (outcome) => {
    expect(isOver(done(tick, outcome, { revision_before: 9 }), 7)).toBe(false);
  });

  it("no more once it failed", () => {
    expect(isOver(failOperation(tick, "o1", { code: "timeout", detail: "" }, true), 7)).toBe(false);
  });
});

describe("moving", () => {
  it.each<[string, Target]>([
    ["itself", { listId: "l1", where: "before", itemId: "i2" }],
    ["the place before the row behind it", { listId: "l1", where: "before", itemId: "i3" }],
    ["the place behind the row in front of it", { listId: "l1", where: "after", itemId: "i1" }],
    ["a list that is gone", { listId: "l8", where: "end" }],
  ])("to %s is no move", (_, target) => {
    expect(moveTo(LISTS, "i2", target)).toBeNull();
  });

  it.each<[string, Target, object, number]>([
    ["to the front", { listId: "l1", where: "first" }, { list_id: "l1", first: true }, 1],
    ["to the end", { listId: "l1", where: "end" }, { list_id: "l1", after_id: "i3" }, 3],
    ["before the first row", { listId: "l2", where: "before", itemId: "i4" }, { list_id: "l2", first: true }, 1],
    ["into an empty list", { listId: "l3", where: "end" }, { list_id: "l3", first: true }, 1],
  ])("%s", (_, target, fields, place) => {
    expect(moveTo(LISTS, "i2", target)).toMatchObject({ operation: { op: "move_item", item_id: "i2", ...fields }, place });
  });

  it("by steps goes through every place of every list, down and up again", () => {
    let lists = LISTS;
    const places: string[] = [];
    const step = (direction: "up" | "down"): boolean => {
      const target = stepFrom(lists, "i1", direction);
      const move = target === null ? null : moveTo(lists, "i1", target);
      if (move === null) return false;
      lists = overlaid(lists, pendingOperations(addOperation(NO_OPERATIONS, "o1", [move.operation]), null));
      places.push(`${move.listName} ${move.place}`);
      return true;
    };
    while (step("down"));
    expect(places).toEqual(["Groceries 2", "Groceries 3", "Travel 1", "Travel 2", "Empty 1"]);
    places.length = 0;
    while (step("up"));
    expect(places).toEqual(["Travel 2", "Travel 1", "Groceries 3", "Groceries 2", "Groceries 1"]);
  });
});

describe("with any clicks and any answers, by seed", () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))("the board ends as the rows that the server holds (seed %i)", (seed) => {
    const chance = seeded(seed);
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(chance() * values.length)] as Value;
    // A server that carries some clicks out and refuses others, in the order of the clicks, as the queue asks for them.
    let truth = LISTS;
    let shown = LISTS; // the verified rows, which come to the page a little later
    let operations = NO_OPERATIONS;
    let [revision, shownRevision] = [7, 7];
    for (let click = 0; click < 12; click += 1) {
      const id = `o${click}`;
      const ids = truth.flatMap(({ items }) => items.map((item) => item.id));
      const target = pick(LISTS).list.id;
      const operation: Operation = pick<() => Operation>([
        () => ({ op: "complete_item", item_id: pick(ids), done: chance() < 0.5 }),
        () => ({ op: "move_item", item_id: pick(ids), list_id: target, first: chance() < 0.5 }),
        () => ({ op: "create_item", item_id: `n${click}`, list_id: target, title: `new ${click}` }),
        () => ({ op: "update_item", item_id: pick(ids), title: `renamed ${click}` }),
      ])();
      operations = addOperation(operations, id, [operation]);
      const isDone = chance() < 0.6;
      if (isDone) {
        truth = overlaid(truth, pendingOperations(addOperation(NO_OPERATIONS, "x", [operation]), null));
        revision += 1;
      }
      // The journal, the rows and the answer come in any order, or not yet.
      const [before, after_] = isDone ? [revision - 1, revision] : [revision, null];
      const told = chance() < 0.5;
      const answered = chance() < 0.7;
      if (told && isDone) operations = seeEntry(operations, { ...entry(revision), operation_id: id });
      const message = fromGateway({
        type: "op.completed",
        ref: id,
        result: { operation_id: id, outcome: isDone ? "confirmed" : "refused", text: "", receipt: { revision_before: before, revision_after: after_ } },
      });
      if (message.type !== "op.completed") throw new Error("is no op.completed");
      if (answered || !told) operations = completeOperation(operations, message.result);
      if (chance() < 0.5) [shown, shownRevision] = [truth, revision];
    }
    [shown, shownRevision] = [truth, revision];
    const left = pendingOperations(operations, shownRevision);
    // What is left over the rows are only clicks that nobody has answered.
    expect(left.filter(({ status, revision: seen }) => status !== "running" || seen !== null)).toEqual([]);
    const settled = pendingOperations([...left].reduce((all, { id }) => failOperation(all, id, { code: "timeout", detail: "" }, true), operations), shownRevision);
    expect(overlaid(shown, settled)).toBe(shown);
  });
});
