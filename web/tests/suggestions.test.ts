import { describe, expect, it } from "vitest";

import { EMPTY_BOARD, type Board } from "../src/store/board";
import { isHarmless, suggestionsFor } from "../src/store/suggestions";
import { todoItem, todoList } from "./samples";

function board(...lists: readonly (readonly [string, readonly string[]])[]): Board {
  const rows = lists.map(([name], index) => todoList(`l${index}`, name));
  const items = lists.flatMap(([, titles], index) =>
    titles.map((title) => todoItem(`${index}${title}`, `l${index}`, title.replace("✓", ""), { done: title.startsWith("✓") })),
  );
  return {
    ...EMPTY_BOARD,
    revision: 7,
    lists: new Map(rows.map((row) => [row.id, row])),
    items: new Map(items.map((row) => [row.id, row])),
  };
}

describe("suggestions", () => {
  it("are none while the lists are not known", () => {
    expect(suggestionsFor(EMPTY_BOARD)).toEqual([]);
  });

  it("make a first list where there is none", () => {
    expect(suggestionsFor(board()).map(({ kind }) => kind)).toEqual(["create", "createWith", "open"]);
  });

  it("are about the lists that there are, and about a to-do that is open", () => {
    expect(suggestionsFor(board(["Groceries", ["✓milk", "eggs"]], ["Travel", []]))).toEqual([
      { kind: "show", list: "Groceries" },
      { kind: "open" },
      { kind: "add", item: "milk", list: "Groceries" },
      { kind: "complete", item: "eggs" },
    ]);
  });

  it("name nothing that makes no chip: what is too long, or turns the text around", () => {
    const hostile = board(["x".repeat(500), ["\u202Eevil"]], ["\u202Egnp.exe", []]);
    expect(suggestionsFor(hostile)).toEqual([{ kind: "open" }]);
  });

  it("that change what is there are not sent with one click", () => {
    const harmless = suggestionsFor(board(["Groceries", ["eggs"]])).filter(isHarmless);
    expect(harmless.map(({ kind }) => kind)).toEqual(["show", "open"]);
  });
});
