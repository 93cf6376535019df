import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { beginLoading, EMPTY_BOARD, takeList } from "../src/store/board";
import { AgentContext } from "../src/ui/agent";
import { ReceiptView } from "../src/ui/ReceiptView";
import { rowWords } from "../src/ui/row_words";
import { dueInFull } from "../src/ui/due_words";
import { completed, stateList, todoItem, todoList } from "./samples";
import { end, hear, say, session, showPage, store } from "./shown";

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
vi.mock(import("../src/ui/row_words"), async (original) => {
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
    expect(screen.getByTestId("verdict").dataset).toMatchObject({ verdict: "confirmed", tone: "good" });
    expect(screen.getByTestId("verdict").textContent).toBe("Verified");
    expect(screen.getByTestId("turn").dataset).toMatchObject({ turnId: "t1", outcome: "confirmed" });
    expect(screen.getAllByText("stand-in model")).toHaveLength(2);
  });

  it("that is refuted shows, row by row, what was expected beside what the database shows", () => {
    say("t1", "x");
    const eggs = { id: "i2", after: item("eggs"), list_name: "Groceries" };
    const milk = { id: "i1", before: item("milk"), after: item("milk", { done: true }), list_name: "Groceries" };
    const tea = { id: "i3", before: item("tea"), list_name: "Groceries" };
    const [expected, observed] = [{ changes: [eggs, milk] }, { changes: [milk, tea] }];
    end(completed("t1", { outcome: "refuted", receipt: { verdict: "refuted", expected, observed } }));
    const pairs = screen.getAllByTestId("receipt-pair").map((pair) => [pair.dataset["matches"], ...[...pair.children].map((side) => side.textContent)]);
    expect(pairs).toEqual([
      ["false", "Expected+added eggs in Groceries", "The database showsnothing of it"],
      ["true", "Expected~changed milk in Groceriesstate open → done", "The database shows~changed milk in Groceriesstate open → done"],
      ["false", "Expectednothing", "The database shows−removed tea in Groceries"],
    ]);
    expect(screen.getByTestId("verdict").dataset["tone"]).toBe("bad");
    expect(screen.queryByTestId("undo")).toBeNull();
  });

  it("whose rows were not read back shows them as expected only", () => {
    say("t1", "x");
    const expected = { changes: [{ id: "i2", after: item("eggs"), list_name: "Groceries" }] };
    end(completed("t1", { outcome: "unknown", receipt: { verdict: "unknown", expected } }));
    expect(within(screen.getByTestId("receipt-expected")).getByText("Expected, not read back")).toBeTruthy();
    expect(screen.queryByTestId("receipt-observed")).toBeNull();
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
      `+added milk in Groceriesdue ${dueInFull("2026-11-23")}priority highnotes two litres`,
      "+added eggs in Groceries",
      "−removed tea in Groceriesstate donenotes none",
      "~changed rye in Groceriesnotes none → none",
    ]);
  });

  it("tells the changes in the order in which they were asked for", () => {
    say("t1", "x");
    const changes = ["i1", "i2", "l1"].map((id) => ({ id, after: id === "l1" ? { kind: "list", name: id } : item(id), list_name: "l1" }));
    const operations = [
      { op: "create_list", list_id: "l1", name: "l1" },
      { op: "create_item", item_id: "i2", list_id: "l1", title: "i2" },
    ];
    end(completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", observed: { changes }, operations } }));
    expect(rows()).toEqual(["+added l1 list", "+added i2 in l1", "+added i1 in l1"]);
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

describe("the details of a receipt", () => {
  const receipt = {
    trace_id: "trace-7",
    attempt: 2,
    timings: { plan: 31, total: 42 },
    model: { name: "qwen", calls: 2, prompt_tokens: 900, completion_tokens: 60 },
  };
  const open = (): HTMLElement => {
    const details = screen.getByTestId<HTMLDetailsElement>("details");
    act(() => {
      details.open = true;
    });
    return details;
  };

  it("are made when they are opened, and hold all of it, its times, its model and its ids", () => {
    say("t1", "x");
    end(completed("t1", { reason: "question", receipt }));
    expect(screen.queryByTestId("receipt-json")).toBeNull();
    const facts = [...open().querySelectorAll("dl > div")].map(({ children }) => [...children].map((cell) => cell.textContent.trim()));
    expect(facts).toEqual([
      ["Trace", "trace-7"],
      ["Reason", "question"],
      ["Model", "qwen, 2 calls, 900 tokens in, 60 out"],
      ["Times", "plan 31 ms · in all 42 ms"],
      ["Attempt", "2"],
      ["Turn", "t1"],
    ]);
    expect(JSON.parse(screen.getByTestId("receipt-json").textContent)).toMatchObject(receipt);
  });

  it("name the trace that the turn was accepted with, where the receipt names none", () => {
    say("t1", "x");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1", trace_id: "trace-1" });
    end(completed("t1"));
    open();
    expect(screen.getByTestId("trace-id").textContent).toBe("trace-1");
  });

  it("can be copied, and say so, also where the browser does not allow it", async () => {
    const write = vi.fn<(text: string) => Promise<void>>(() => Promise.resolve());
    vi.stubGlobal("navigator", { clipboard: { writeText: write } });
    say("t1", "x");
    end(completed("t1", { receipt }));
    open();
    fireEvent.click(screen.getByLabelText("Copy the trace id"));
    expect(await screen.findByText("Copied")).toBeTruthy();
    fireEvent.click(screen.getByLabelText("Copy the receipt as JSON"));
    expect(write.mock.calls).toEqual([["trace-7"], [screen.getByTestId("receipt-json").textContent]]);
    vi.stubGlobal("navigator", {});
    fireEvent.click(screen.getByLabelText("Copy the trace id"));
    expect(await screen.findByText(/does not allow it/)).toBeTruthy();
    vi.unstubAllGlobals();
  });
});

describe("a row of a receipt", () => {
  const changes = [
    { id: "i1", after: item("milk"), list_name: "Groceries" },
    { id: "i2", before: item("tea"), list_name: "Groceries" },
  ];
  beforeEach(() => {
    say("t1", "x");
    end(completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", observed: { changes } } }));
    const message = stateList({ list: todoList("l1", "Groceries"), items: [todoItem("i1", "l1", "milk")] });
    act(() => store.setState({ board: takeList(beginLoading(EMPTY_BOARD, "r1"), message) }));
  });
  const marked = (): (string | undefined)[] =>
    screen.getAllByTestId("receipt-row").filter((row) => row.dataset["pointed"] === "true").map((row) => row.dataset["rowId"]);

  it("points at its to-do while the pointer is over it, and is marked when that is pointed at", () => {
    const [milk] = screen.getAllByTestId("receipt-row");
    if (milk === undefined) throw new Error("a row is missing");
    fireEvent.pointerEnter(milk);
    expect(session.point).toHaveBeenLastCalledWith("i1");
    expect(marked()).toEqual(["i1"]);
    fireEvent.pointerLeave(milk);
    expect(session.point).toHaveBeenLastCalledWith(null);
    expect(marked()).toEqual([]);
    act(() => store.setState({ pointed: "i2" }));
    expect(marked()).toEqual(["i2"]);
  });

  it("points at it with the focus, and leads to it; where it is gone there is nothing to lead to", () => {
    const link = screen.getByRole("button", { name: "milk: show it on the board" });
    act(() => link.focus());
    expect(session.point).toHaveBeenLastCalledWith("i1");
    fireEvent.click(link);
    expect(session.reveal).toHaveBeenCalledWith({ kind: "row", id: "i1" });
    act(() => link.blur());
    expect(session.point).toHaveBeenLastCalledWith(null);
    expect(screen.getAllByTestId("receipt-link")).toHaveLength(1);
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
