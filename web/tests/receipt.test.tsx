import { act, cleanup, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { beginLoading, EMPTY_BOARD, takeList } from "../src/store/board";
import { AgentContext } from "../src/ui/agent";
import { ReceiptView } from "../src/ui/ReceiptView";
import { rowWords } from "../src/ui/words";
import { completed, stateList, todoItem, todoList } from "./samples";
import { end, say, session, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

const HOSTILE = `<img src=x onerror="alert(1)"><script>alert(2)</script>**bold**`;

function item(title: string, more: object = {}): object {
  return { kind: "item", list_id: "l1", title, ...more };
}

function rows(): (string | null)[] {
  return screen.getAllByTestId("receipt-row").map((row) => row.textContent);
}

// Counts how often rows are put into words, and changes nothing.
vi.mock(import("../src/ui/words"), async (original) => {
  const words = await original();
  return { ...words, rowWords: vi.fn<typeof words.rowWords>(words.rowWords) };
});

describe("a receipt", () => {
  it("shows what was understood, each change, the revisions, and a green verdict when confirmed", () => {
    say("t1", "tidy up");
    end(
      completed("t1", {
        outcome: "confirmed",
        text: "Added eggs.",
        receipt: {
          understood: ["add “eggs” to Groceries", "mark “milk” as done"],
          verdict: "confirmed",
          observed: {
            changes: [
              { id: "i2", after: item("eggs"), list_name: "Groceries" },
              { id: "i1", before: item("milk"), after: item("milk", { done: true }), list_name: "Groceries" },
              { id: "i3", before: item("tea"), list_name: "Groceries" },
            ],
          },
          revision_before: 41,
          revision_after: 42,
          trace_id: "trace-7",
          model: { name: "stand-in-planner" },
        },
      }),
    );
    const receipt = screen.getByTestId("receipt");
    expect(within(receipt).getByText("add “eggs” to Groceries")).toBeTruthy();
    expect(rows()).toEqual([
      "+added eggs in Groceries",
      "~changed milk in Groceriesstate open → done",
      "−removed tea in Groceries",
    ]);
    expect(within(receipt).getByText("r41 → r42")).toBeTruthy();
    expect(within(receipt).getByText("trace-7")).toBeTruthy();
    expect(screen.getByTestId("verdict").dataset).toMatchObject({ verdict: "confirmed", tone: "good" });
    expect(screen.getByTestId("turn").dataset).toMatchObject({ turnId: "t1", outcome: "confirmed" });
    expect(screen.getAllByText("stand-in model")).toHaveLength(2);
  });

  it.each([
    ["already_so", null],
    ["answered", null],
    ["clarify", null],
    ["not_found", null],
    ["refused", null],
    ["conflict", null],
    ["cancelled", null],
    ["refuted", "refuted"],
    ["failed", null],
    ["unknown", "unknown"],
    ["confirmed", null],
    ["confirmed", "refuted"],
    ["confirmed", "unknown"],
  ])("of %s with the verdict %s is not green", (outcome, verdict) => {
    say("t1", "x");
    end(completed("t1", { outcome, receipt: { verdict } }));
    expect(screen.getByTestId("verdict").dataset["tone"]).not.toBe("good");
  });

  it("that is refuted shows what was expected beside what the database shows", () => {
    say("t1", "x");
    const expected = { changes: [{ id: "i2", after: item("eggs"), list_name: "Groceries" }] };
    end(completed("t1", { outcome: "refuted", receipt: { verdict: "refuted", expected } }));
    expect(screen.getByText("Expected")).toBeTruthy();
    expect(rows()).toEqual(["+added eggs in Groceries"]);
    expect(screen.getByText("The database shows").parentElement?.textContent).toContain("no change");
    expect(screen.getByTestId("verdict").dataset["tone"]).toBe("bad");
  });

  it("shows what was set on rows that are new or gone, and nothing that was not", () => {
    say("t1", "x");
    const set = { due: "2026-11-23", priority: "high", notes: "two litres" };
    const changes = [
      { id: "i1", after: item("milk", set), list_name: "Groceries" },
      { id: "i2", after: item("eggs"), list_name: "Groceries" },
      { id: "i3", before: item("tea", { notes: "none", done: true }), list_name: "Groceries" },
      { id: "i4", before: item("rye"), after: item("rye", { notes: "none" }), list_name: "Groceries" },
    ];
    end(completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", observed: { changes } } }));
    expect(rows()).toEqual([
      "+added milk in Groceriesdue 2026-11-23priority highnotes two litres",
      "+added eggs in Groceries",
      "−removed tea in Groceriesstate donenotes none",
      "~changed rye in Groceriesnotes none → none",
    ]);
  });

  it("that was cut says so", () => {
    say("t1", "x");
    end(completed("t1", { receipt: {} }));
    expect(screen.queryByText(/too large to show whole/)).toBeNull();
    say("t2", "x");
    end(completed("t2", { receipt: { truncated: true } }));
    expect(screen.getByText(/too large to show whole/)).toBeTruthy();
  });

  it("is drawn again only when a row that it names is called differently", () => {
    const show = (name: string, other: string): void => {
      const lists = new Map([todoList("l1", name), todoList("l9", other)].map((list) => [list.id, list]));
      act(() => store.setState({ board: { ...EMPTY_BOARD, revision: 1, lists } }));
    };
    show("Groceries", "Work");
    const changes = [{ id: "i2", before: item("eggs", { list_id: "l1" }), after: item("eggs", { list_id: "l2" }), list_name: "Party" }];
    const turn = completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", observed: { changes } } });
    const drawn = vi.mocked(rowWords);
    drawn.mockClear();
    say("t1", "x");
    const [shown] = store.getState().log.turns;
    if (shown === undefined) throw new Error("the turn is not in the log");
    const view = render(
      <AgentContext value={{ store, session }}>
        <ReceiptView completed={turn} turn={shown} />
      </AgentContext>,
    );
    const row = view.getByTestId("receipt-row");
    expect(row.textContent).toBe("~changed eggs in Partylist Groceries → Party");
    expect(drawn).toHaveBeenCalledTimes(1);
    show("Groceries", "Leisure");
    expect(drawn).toHaveBeenCalledTimes(1);
    show("Food", "Leisure");
    expect(drawn).toHaveBeenCalledTimes(2);
    expect(row.textContent).toBe("~changed eggs in Partylist Food → Party");
  });

  it("shows what somebody else changed", () => {
    say("t1", "x");
    const others = { changes: [{ id: "l9", after: { kind: "list", name: "Work" } }] };
    end(completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", others } }));
    expect(screen.getByText("Changed by somebody else meanwhile")).toBeTruthy();
    expect(rows()).toEqual(["+added Work list"]);
  });
});

describe("the direction of writing", () => {
  it("of what people wrote is kept apart from the page's own", () => {
    const words = "חלב";
    say("t1", words);
    end(
      completed("t1", {
        outcome: "clarify",
        text: words,
        candidates: [{ label: words, detail: words, reply: "this one" }],
        receipt: {
          understood: [words],
          verdict: "confirmed",
          observed: { changes: [{ id: "i1", after: item(words, { notes: words }), list_name: words }] },
        },
      }),
    );
    const message = stateList({ list: todoList("l1", words), items: [todoItem("i1", "l1", words, { notes: words })] });
    act(() => store.setState({ board: takeList(beginLoading(EMPTY_BOARD, "r1"), message) }));
    const shown = screen.getAllByText(words);
    expect(shown).toHaveLength(11);
    expect(shown.filter((node) => node.tagName !== "BDI" && node.dir !== "auto")).toEqual([]);
    expect(screen.getByTestId("composer").dir).toBe("auto");
  });
});

describe("titles", () => {
  it("are text wherever they show", () => {
    say("t1", HOSTILE);
    end(
      completed("t1", {
        outcome: "clarify",
        text: HOSTILE,
        candidates: [{ label: HOSTILE, detail: HOSTILE, reply: "this one" }],
        receipt: {
          understood: [HOSTILE],
          verdict: "confirmed",
          observed: { changes: [{ id: "i1", before: item("a"), after: item(HOSTILE, { notes: HOSTILE }), list_name: HOSTILE }] },
        },
      }),
    );
    const message = stateList({ list: todoList("l1", HOSTILE), items: [todoItem("i1", "l1", HOSTILE, { notes: HOSTILE })] });
    act(() => store.setState({ board: takeList(beginLoading(EMPTY_BOARD, "r1"), message) }));

    expect(document.querySelectorAll("img, script, strong")).toHaveLength(0);
    expect(screen.getByTestId("turn-text").textContent).toBe(HOSTILE);
    expect(screen.getByTestId("item").textContent).toContain(HOSTILE);
    expect(screen.getByTestId("list").dataset["listName"]).toBe(HOSTILE);
    expect(screen.getByTestId("receipt-row").textContent).toContain(HOSTILE);
  });
});
