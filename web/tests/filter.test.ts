import { describe, expect, it } from "vitest";

import type { ListOnBoard } from "../src/store/board";
import { dayAfter, daysBetween, dueFrom, isOverdue, timeOf, dayOf } from "../src/store/due";
import { EVERYTHING, filtered, type Filter } from "../src/store/filter";
import { dueLabel } from "../src/ui/due_words";
import { todoItem, todoList } from "./samples";

const NOW = new Date("2026-11-30T12:00");
const MORNING = new Date("2026-11-30T09:00").toISOString();
const LISTS: readonly ListOnBoard[] = [
  {
    list: todoList("l1", "Café"),
    items: [
      todoItem("i1", "l1", "Crème brûlée", { due: "2026-11-29" }),
      todoItem("i2", "l1", "Tea", { due: "2026-11-29", done: true }),
      todoItem("i3", "l1", "ÉCLAIR", { due: "2026-11-30", priority: "high", notes: "from Zoë" }),
    ],
  },
  {
    list: todoList("l2", "Travel"),
    items: [todoItem("i4", "l2", "passport", { due: "2026-12-06", priority: "medium" }), todoItem("i5", "l2", "call", { due: MORNING })],
  },
  { list: todoList("l3", "Empty café"), items: [todoItem("i6", "l3", "chair", { due: "2026-12-07", priority: "low" }), todoItem("i7", "l3", "table")] },
];

function found(filter: Partial<Filter>, kept?: ReadonlySet<string>): string[] {
  return filtered(LISTS, { ...EVERYTHING, ...filter }, NOW, kept).flatMap(({ items }) => items.map(({ id }) => id));
}

describe("what is looked for", () => {
  it.each<[string, Partial<Filter>, string[]]>([
    ["without case or accents", { text: " creme BRULEE " }, ["i1"]],
    ["in notes", { text: "zoe" }, ["i3"]],
    ["in the names of lists, with all that is in them", { text: "cafe" }, ["i1", "i2", "i3", "i6", "i7"]],
    ["open", { state: "open" }, ["i1", "i3", "i4", "i5", "i6", "i7"]],
    ["done", { state: "done" }, ["i2"]],
    ["overdue, which what is done is not", { due: "overdue" }, ["i1", "i5"]],
    ["today", { due: "today" }, ["i3", "i5"]],
    ["within seven days", { due: "week" }, ["i3", "i4", "i5"]],
    ["with a date", { due: "some" }, ["i1", "i2", "i3", "i4", "i5", "i6"]],
    ["without one", { due: "none" }, ["i7"]],
    ["of a priority and up", { priority: "medium" }, ["i3", "i4"]],
    ["of the highest", { priority: "high" }, ["i3"]],
    ["all of it at once", { text: "cafe", state: "open", due: "today" }, ["i3"]],
    ["that is not there", { text: "zzz" }, []],
  ])("is found %s", (_, filter, ids) => {
    expect(found(filter)).toEqual(ids);
  });

  it("leaves out lists without any of it, and gives whole ones as they are", () => {
    expect(filtered(LISTS, EVERYTHING, NOW)).toBe(LISTS);
    const named = filtered(LISTS, { ...EVERYTHING, text: "travel" }, NOW);
    expect(named).toEqual([LISTS[1]]);
    expect(named[0]).toBe(LISTS[1]);
  });

  it("never takes away what is being edited", () => {
    expect(found({ state: "done" }, new Set(["i4"]))).toEqual(["i2", "i4"]);
  });

  it("shows a list that is named, though it has nothing in it", () => {
    const empty = [{ list: todoList("l9", "Plans"), items: [] }];
    expect(filtered(empty, { ...EVERYTHING, text: "plan" }, NOW)).toEqual(empty);
    expect(filtered(empty, { ...EVERYTHING, text: "plan", state: "open" }, NOW)).toEqual([]);
  });
});

describe("due dates", () => {
  it.each([
    ["2026-11-29", "Yesterday"],
    ["2026-11-30", "Today"],
    ["2026-12-01", "Tomorrow"],
    ["2026-12-04", "Friday"],
    ["2026-12-07", "Dec 7"],
    ["2027-01-02", "Jan 2, 2027"],
  ])("%s is %s", (due, words) => {
    expect(dueLabel(due, NOW)).toBe(words);
  });

  it("with a time are moments in the reader's zone, there and back", () => {
    const due = dueFrom("2026-12-01", "14:30") ?? "";
    expect(due).toMatch(/^2026-1[12]-\d\dT\d\d:\d\d:00\.000Z$/);
    expect([dayOf(due), timeOf(due), dueLabel(due, NOW)]).toEqual(["2026-12-01", "14:30", "Tomorrow 14:30"]);
    expect(dueFrom("2026-12-01", "")).toBe("2026-12-01");
    expect(dueFrom("", "14:30")).toBeNull();
    for (const time of ["", "14:30"]) for (const day of ["12026-12-01", "2026-13-01", "2026-12"]) expect(dueFrom(day, time)).toBeNull();
  });

  it("are over at their moment, and days when the next one begins", () => {
    expect(isOverdue("2026-11-30", NOW)).toBe(false);
    expect(isOverdue("2026-11-29", NOW)).toBe(true);
    expect(isOverdue(MORNING, NOW)).toBe(true);
    expect(isOverdue(new Date("2026-11-30T12:01").toISOString(), NOW)).toBe(false);
  });

  it("are counted in days over months, years and changes of the clocks", () => {
    expect(daysBetween("2026-10-24", "2026-10-26")).toBe(2);
    expect(dayAfter("2026-12-31", 1)).toBe("2027-01-01");
    expect(dayAfter("2028-02-28", 1)).toBe("2028-02-29");
  });
});
