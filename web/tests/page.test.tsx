import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi, type Mock } from "vitest";

import type { TurnCompleted } from "../src/connection/protocol";
import { beginLoading, EMPTY_BOARD, takeList } from "../src/store/board";
import { createAgentStore, type AgentStore } from "../src/store/store";
import { addTurn, takeTurnMessage } from "../src/store/turns";
import { AgentContext, type AgentActions } from "../src/ui/agent";
import { App } from "../src/ui/App";
import { completed, fromGateway, stateList, todoItem, todoList } from "./samples";

const HOSTILE = `<img src=x onerror="alert(1)"><script>alert(2)</script>**bold**`;

let store: AgentStore;
let session: { [Name in keyof AgentActions]: Mock<AgentActions[Name]> };

beforeEach(() => {
  store = createAgentStore();
  session = {
    connect: vi.fn<() => void>(),
    send: vi.fn<(text: string) => boolean>(() => true),
    sendAgain: vi.fn<(turnId: string) => void>(),
    dismissNotice: vi.fn<() => void>(),
  };
  render(
    <AgentContext value={{ store, session }}>
      <App />
    </AgentContext>,
  );
});
afterEach(cleanup);

function say(id: string, text: string): void {
  act(() => store.setState(({ log }) => ({ log: addTurn(log, id, text) })));
}

function hear(message: object): void {
  act(() => store.setState(({ log }) => ({ log: takeTurnMessage(log, fromGateway(message)) })));
}

function end(turn: TurnCompleted): void {
  hear({ type: "turn.completed", turn });
}

function item(title: string, more: object = {}): object {
  return { kind: "item", list_id: "l1", title, ...more };
}

function rows(): (string | null)[] {
  return screen.getAllByTestId("receipt-row").map((row) => row.textContent);
}

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

  it("shows what somebody else changed", () => {
    say("t1", "x");
    const others = { changes: [{ id: "l9", after: { kind: "list", name: "Work" } }] };
    end(completed("t1", { outcome: "confirmed", receipt: { verdict: "confirmed", others } }));
    expect(screen.getByText("Changed by somebody else meanwhile")).toBeTruthy();
    expect(rows()).toEqual(["+added Work list"]);
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

describe("a turn", () => {
  it("shows its phases as they come", () => {
    say("t1", "add milk");
    expect(screen.queryAllByTestId("phase")).toEqual([]);
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    hear({ type: "turn.phase", turn_id: "t1", phase: "plan", attempt: 1, elapsed_ms: 1 });
    hear({ type: "turn.phase", turn_id: "t1", phase: "execute", attempt: 1, elapsed_ms: 31 });
    const phases = screen.getAllByTestId("phase").map(({ dataset, textContent }) => [dataset["phase"], dataset["state"], textContent]);
    expect(phases).toEqual([
      ["plan", "done", "PLAN30 ms"],
      ["execute", "running", "EXECUTErunning"],
      ["confirm", "waiting", "CONFIRMnot yet"],
    ]);
  });

  it("is announced once, when it ends", () => {
    say("t1", "add milk");
    const status = screen.getByRole("status");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    expect(status.textContent).toBe("");
    end(completed("t1"));
    expect(status.textContent).toBe("Answered. Two items.");
    expect(screen.getByRole("log").getAttribute("aria-live")).toBe("off");
  });

  it("that was rejected says why beside it and can be sent again", () => {
    say("t1", "add milk");
    hear({ type: "turn.rejected", code: "invalid", field: "text", detail: "holds a control character; remove it", turn_id: "t1" });
    const problem = within(screen.getByTestId("turn")).getByTestId("turn-problem");
    expect(problem.textContent).toContain("Text holds a control character; remove it.");
    fireEvent.click(within(problem).getByRole("button"));
    expect(session.sendAgain).toHaveBeenCalledWith("t1");
  });

  it("that asks back sends the chosen reply, once", () => {
    say("t1", "mark it");
    const candidates = [
      { label: "milk", detail: "Groceries", reply: "complete milk in Groceries" },
      { label: "milk", detail: "Party", reply: "complete milk in Party" },
    ];
    end(completed("t1", { outcome: "clarify", text: "Which milk?", candidates }));
    const [first, second] = screen.getAllByTestId("candidate");
    if (first === undefined || second === undefined) throw new Error("a candidate is missing");
    fireEvent.click(first);
    fireEvent.click(second);
    expect(session.send.mock.calls).toEqual([["complete milk in Groceries"]]);
  });
});

describe("the composer", () => {
  const box = (): HTMLTextAreaElement => screen.getByTestId("composer");

  it("sends on Enter and is empty then, begins a line on Shift+Enter, and leaves input methods alone", () => {
    fireEvent.change(box(), { target: { value: "add milk" } });
    fireEvent.keyDown(box(), { key: "Enter", shiftKey: true });
    fireEvent.keyDown(box(), { key: "Enter", isComposing: true });
    expect(session.send).not.toHaveBeenCalled();
    fireEvent.keyDown(box(), { key: "Enter" });
    expect(session.send.mock.calls).toEqual([["add milk"]]);
    expect(box().value).toBe("");
  });

  it("keeps what was not sent", () => {
    session.send.mockReturnValue(false);
    fireEvent.change(box(), { target: { value: "add milk" } });
    fireEvent.click(screen.getByTestId("send"));
    expect(box().value).toBe("add milk");
  });

  it("says when a request is too long", () => {
    fireEvent.change(box(), { target: { value: "ä".repeat(4_100) } });
    expect(screen.getByText(/8 bytes too long/)).toBeTruthy();
  });

  it("offers suggestions in an empty conversation", () => {
    fireEvent.click(screen.getByText("create a list called Groceries"));
    expect(session.send).toHaveBeenCalledWith("create a list called Groceries");
    say("t1", "x");
    expect(screen.queryByText("create a list called Groceries")).toBeNull();
  });
});

describe("the connection", () => {
  it("shows its state and its round trip", () => {
    const pill = screen.getByTestId("connection");
    expect(pill.dataset["state"]).toBe("idle");
    act(() => store.setState({ connection: { name: "connected", failures: 0, rttMs: 0.43 } }));
    expect(pill.dataset["state"]).toBe("connected");
    expect(pill.textContent).toBe("Connected · 0.43 ms");
  });

  it("says why it is away and can be hurried", () => {
    const reason = { code: "capacity", detail: "no gateway can take another session now; try again" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 2, delayMs: 4_200, reason } }));
    expect(screen.getByRole("alert").textContent).toContain("No gateway can take another session now; try again. Next try in 4.2 s.");
    fireEvent.click(screen.getByText("Try now"));
    expect(session.connect).toHaveBeenCalled();
  });
});

describe("the board", () => {
  it("shows lists and items in order with what is done", () => {
    const message = stateList({
      list: todoList("l1", "Groceries"),
      items: [todoItem("i2", "l1", "eggs", { due: "2026-11-23" }), todoItem("i1", "l1", "milk", { done: true })],
    });
    act(() => store.setState({ board: takeList(beginLoading(EMPTY_BOARD, "r1"), message) }));
    const list = screen.getByTestId("list");
    expect(list.dataset["listName"]).toBe("Groceries");
    expect(within(list).getAllByTestId("item").map(({ dataset, textContent }) => [textContent, dataset["done"]])).toEqual([
      ["milk", "true"],
      ["eggs2026-11-23", "false"],
    ]);
  });
});
