import { describe, expect, it } from "vitest";

import { initialView, nextView, type BoardView, type ViewEvent } from "../src/store/board_view";
import { beginEdit, changedElsewhere, changesOf, fieldsShown, notesOver, titleOver } from "../src/store/editing";
import { byList, marksOf, type Marking } from "../src/store/marks";
import { addOperation, NO_OPERATIONS } from "../src/store/operations";
import { todoItem } from "./samples";

const milk = todoItem("i1", "l1", "milk", { notes: "skimmed" });

describe("an edit", () => {
  it("changes only what was written, in the form in which it is stored", () => {
    const edit = { ...beginEdit(milk), draft: { title: "  oat\u0020milk ", notes: "skimmed", due: "2026-12-01" } };
    expect(changesOf(edit, milk)).toEqual({ title: "oat milk", due: "2026-12-01" });
    expect(changesOf({ ...edit, draft: { title: "cafe\u0301", notes: "a\r\nb" } }, milk)).toEqual({ title: "café", notes: "a\nb" });
    expect(changesOf(beginEdit({ ...milk, due: "2026-12-01" }), { ...milk, due: "2026-12-01" })).toEqual({});
  });

  it("follows the row in the fields that were left alone, and keeps what was written", () => {
    const edit = { ...beginEdit(milk), draft: { title: "oat milk" } };
    const now = { ...milk, title: "soy milk", notes: "two", version: 2 };
    expect(fieldsShown(edit, now)).toMatchObject({ title: "oat milk", notes: "two" });
    expect(changedElsewhere(edit, now)).toEqual(["title", "notes"]);
    expect(changesOf(edit, now)).toEqual({ title: "oat milk" });
    expect(changedElsewhere(edit, { ...milk, done: true, version: 2 })).toEqual([]);
  });

  it("takes a date away with null, which is not the same as leaving it", () => {
    const due = { ...milk, due: "2026-12-01" };
    expect(changesOf({ ...beginEdit(due), draft: { due: null } }, due)).toEqual({ due: null });
  });

  it("counts characters as the server does", () => {
    expect([titleOver("  "), titleOver("a"), titleOver("😀".repeat(500)), titleOver("😀".repeat(502))]).toEqual([null, 0, 0, 2]);
    expect([notesOver("n".repeat(8_000)), notesOver("n".repeat(8_001))]).toEqual([0, 1]);
  });
});

describe("the view of the board", () => {
  const through = (...events: ViewEvent[]): BoardView => events.reduce(nextView, initialView(new Set(["l1"])));

  it("goes on with an editor that is open already, and unfolds the list that is added to", () => {
    const view = through(
      { type: "edit", item: milk },
      { type: "written", id: "i1", fields: { title: "oat milk" } },
      { type: "edit", item: { ...milk, title: "soy milk" } },
      { type: "adding", id: "l1" },
    );
    expect(view.edits.get("i1")).toMatchObject({ seen: { title: "milk" }, draft: { title: "oat milk" } });
    expect(view.folded.has("l1")).toBe(false);
  });

  it("takes theirs only where that is asked for", () => {
    const theirs = { ...milk, title: "soy milk" };
    const view = through({ type: "edit", item: milk }, { type: "written", id: "i1", fields: { title: "oat milk" } }, { type: "taken", item: theirs });
    expect(view.edits.get("i1")).toEqual(beginEdit(theirs));
  });

  it("ignores what is written in an editor that is closed", () => {
    const closed = through({ type: "edit", item: milk }, { type: "edited", id: "i1" });
    expect(nextView(closed, { type: "written", id: "i1", fields: { title: "x" } })).toBe(closed);
  });
});

describe("marks", () => {
  const plain: Marking = { touched: new Map(), settled: 0, pending: [], verified: null, pointed: null, turns: new Map() };
  const listOf = new Map([
    ["i1", "l1"],
    ["i2", "l2"],
    ["l1", "l1"],
  ]);

  it("point out what changed until it has settled", () => {
    const touched = new Map([
      ["i1", 8],
      ["i2", 9],
    ]);
    expect([...marksOf({ ...plain, touched, settled: 8 }).keys()]).toEqual(["i2"]);
  });

  it("show a click on its way, and a pointed row, and the turn behind it", () => {
    const pending = [...addOperation(NO_OPERATIONS, "o1", [{ op: "complete_item", item_id: "i1" }]).values()];
    const marks = marksOf({ ...plain, pending, pointed: "l1", turns: new Map([["i1", "t1"]]) });
    expect(marks.get("i1")).toMatchObject({ click: "pending", turn: "t1", pointed: false });
    expect(marks.get("l1")).toMatchObject({ click: null, pointed: true });
  });

  it("of a list that are as they were are the same object again, so that its rows are not drawn again", () => {
    const turns = new Map([["i1", "t1"]]);
    const before = byList(marksOf({ ...plain, turns }), listOf, new Map());
    const after = byList(marksOf({ ...plain, turns, pointed: "i2" }), listOf, before);
    expect(after.get("l1")).toBe(before.get("l1"));
    expect(after.get("l2")?.get("i2")?.pointed).toBe(true);
    expect(byList(marksOf({ ...plain, turns, pointed: "i1" }), listOf, before).get("l1")).not.toBe(before.get("l1"));
  });
});
