import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ConnectionState } from "../src/connection/state";
import { EMPTY_BOARD } from "../src/store/board";
import { HISTORY_DUE, NO_HISTORY } from "../src/store/history";
import { ask, hold, stopAll } from "../src/store/queue";
import { putBack, turnSent, type TurnLog } from "../src/store/turns";
import { completed, todoItem, todoList } from "./samples";
import { end, hear, say, session, showPage, store } from "./shown";

const CONNECTED: ConnectionState = { name: "connected", attempt: 1, failures: 0, rttMs: 1 };

beforeEach(() => showPage({ connection: CONNECTED }));
afterEach(cleanup);

const box = (): HTMLTextAreaElement => screen.getByTestId("composer");
const write = (text: string): void => void fireEvent.input(box(), { target: { value: text } });
const change = (to: (log: TurnLog) => TurnLog): void => act(() => store.setState(({ log }) => ({ log: to(log) })));
const accept = (id: string): void => hear({ type: "turn.accepted", ref: id, turn_id: id });
const queue = (id: string, text: string): void => change((log) => ask(log, id, text));

describe("the mark of a request", () => {
  const mark = (): string | undefined => screen.queryByTestId("mark")?.textContent ?? undefined;

  it("says how far it has come, until its answer does", () => {
    say("t1", "add milk");
    expect(mark()).toBe("Sending");
    change((log) => turnSent(log, "t1"));
    expect(mark()).toBe("Sent");
    accept("t1");
    expect(mark()).toBe("Accepted");
    end(completed("t1"));
    expect(mark()).toBeUndefined();
  });

  it("says that it waits for the connection, and that it was not sent", () => {
    act(() => store.setState({ connection: { name: "signaling", attempt: 2, failures: 1, reason: null } }));
    say("t1", "add milk");
    expect(mark()).toBe("Waiting for the connection");
    hear({ type: "turn.rejected", code: "internal", turn_id: "t1" });
    expect(mark()).toBe("Not sent");
  });

  it("says that it is being stopped, and when that was too late", () => {
    say("t1", "add milk");
    accept("t1");
    change((log) => stopAll(log).log);
    expect(mark()).toBe("Stopping");
    end(completed("t1", { outcome: "confirmed" }));
    expect(mark()).toBe("Done before it could be stopped");
  });
});

describe("stop", () => {
  it("is there while a turn runs, beside what can be sent", () => {
    expect(screen.queryByTestId("stop")).toBeNull();
    say("t1", "add milk");
    expect(screen.queryByTestId("send")).toBeNull();
    fireEvent.click(screen.getByTestId("stop"));
    expect(session.stop).toHaveBeenCalledTimes(1);
    write("and eggs");
    expect(screen.getByTestId("send").getAttribute("aria-label")).toBe("Queue");
    end(completed("t1"));
    expect(screen.queryByTestId("stop")).toBeNull();
    expect(screen.getByTestId("send").getAttribute("aria-label")).toBe("Send");
  });

  it("is Esc, wherever the focus is, and nothing without a turn", () => {
    fireEvent.keyDown(box(), { key: "Escape" });
    expect(session.stop).not.toHaveBeenCalled();
    say("t1", "add milk");
    fireEvent.keyDown(document.body, { key: "Escape" });
    fireEvent.keyDown(box(), { key: "Escape" });
    expect(session.stop).toHaveBeenCalledTimes(2);
  });

  it("says that it is stopping, and takes the focus to the composer when it goes", () => {
    vi.spyOn(globalThis, "matchMedia").mockImplementation((query) => ({ matches: query === "(pointer: fine)" }) as MediaQueryList);
    say("t1", "add milk");
    accept("t1");
    screen.getByTestId("stop").focus();
    change((log) => stopAll(log).log);
    expect(screen.getByTestId("stop").getAttribute("aria-label")).toBe("Stopping");
    end(completed("t1", { outcome: "cancelled" }));
    expect(document.activeElement).toBe(box());
  });
});

describe("the queue", () => {
  it("shows what waits, apart from the conversation, and lets it be changed and taken out", () => {
    say("t1", "one");
    queue("t2", "two");
    queue("t3", "three");
    expect(screen.getAllByTestId("turn").map(({ dataset }) => dataset["turnId"])).toEqual(["t1"]);
    const [second, third] = screen.getAllByTestId("queued");
    if (second === undefined || third === undefined) throw new Error("a queued request is missing");
    expect(screen.getByTestId("queue").textContent).toContain("Queued · 2");
    fireEvent.click(within(second).getByLabelText("Edit"));
    expect(session.edit).toHaveBeenCalledWith("t2");
    fireEvent.click(within(third).getByLabelText("Take out"));
    expect(session.takeOut).toHaveBeenCalledWith("t3");
  });

  it("that is held says so, and goes on when told to", () => {
    say("t1", "one");
    queue("t2", "two");
    expect(screen.queryByTestId("go-on")).toBeNull();
    change(hold);
    fireEvent.click(screen.getByTestId("go-on"));
    expect(session.goOn).toHaveBeenCalled();
  });
});

describe("a question", () => {
  it("stays open while what waits behind it is held", () => {
    say("t1", "mark it");
    queue("t2", "two");
    change(hold);
    end(completed("t1", { outcome: "clarify", candidates: [{ label: "milk", reply: "number 1" }] }));
    fireEvent.click(screen.getByTestId("candidate"));
    expect(session.send).toHaveBeenCalledWith("number 1");
  });
});

describe("an own request", () => {
  it("can be copied, and so can its answer", async () => {
    const writeText = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    say("t1", "what is there?");
    end(completed("t1"));
    fireEvent.click(screen.getByLabelText("Copy answer"));
    await act(async () => {
      fireEvent.click(screen.getByLabelText("Copy request"));
    });
    expect(writeText.mock.calls).toEqual([["Two items."], ["what is there?"]]);
  });

  it("goes back to the composer when it is edited, behind what stands there", () => {
    say("t1", "add mlik");
    fireEvent.click(screen.getByTestId("edit"));
    expect(session.edit).toHaveBeenCalledWith("t1");
    write("half a sentence");
    change((log) => putBack(log, "t1"));
    expect(box().value).toBe("half a sentence\nadd mlik");
  });

  it.each(["failed", "conflict", "cancelled"])("that ended as %s can be asked again", (outcome) => {
    say("t1", "add milk");
    end(completed("t1", { outcome }));
    fireEvent.click(screen.getByTestId("retry"));
    expect(session.sendAgain).toHaveBeenCalledWith("t1");
  });

  it.each(["confirmed", "unknown", "refuted", "clarify"])("that ended as %s cannot: it may have been done", (outcome) => {
    say("t1", "add milk");
    end(completed("t1", { outcome }));
    expect(screen.queryByTestId("retry")).toBeNull();
  });
});

describe("what is done with another control", () => {
  const pointer = (kind: "fine" | "coarse"): void =>
    void vi.spyOn(globalThis, "matchMedia").mockImplementation((query) => ({ matches: query === `(pointer: ${kind})` }) as MediaQueryList);

  it("brings the focus, after a request, to the composer, where the next is written", () => {
    pointer("fine");
    box().blur();
    say("t1", "add milk");
    expect(document.activeElement).toBe(box());
  });

  it("brings up no keyboard with a notice that a finger dismisses", () => {
    pointer("coarse");
    act(() => store.setState({ notice: { code: "limit", detail: "Much has happened" } }));
    const dismiss = screen.getByText("Dismiss");
    dismiss.focus();
    act(() => store.setState({ notice: null }));
    expect(document.activeElement).toBe(document.body);
  });

  it("brings up no keyboard over the answer with a finger", () => {
    pointer("coarse");
    box().blur();
    say("t1", "add milk");
    expect(document.activeElement).toBe(document.body);
  });
});

describe("Alt with the arrows", () => {
  const press = (key: string): void => void fireEvent.keyDown(box(), { key, altKey: true });

  it("walks through earlier requests and back to what was being written", () => {
    say("t1", "one");
    end(completed("t1"));
    say("t2", "two");
    end(completed("t2"));
    write("draft");
    press("ArrowUp");
    expect(box().value).toBe("two");
    press("ArrowUp");
    press("ArrowUp");
    expect(box().value).toBe("one");
    press("ArrowDown");
    press("ArrowDown");
    expect(box().value).toBe("draft");
  });

  it("takes back the newest request that is still queued, where nothing is being written", () => {
    say("t1", "one");
    queue("t2", "two");
    write("draft");
    press("ArrowUp");
    expect(session.edit).not.toHaveBeenCalled();
    write("");
    press("ArrowUp");
    expect(session.edit).toHaveBeenCalledWith("t2");
  });
});

describe("an empty conversation", () => {
  const suggestions = (): (string | null)[] => screen.queryAllByTestId("suggestion").map(({ textContent }) => textContent);

  it("offers first steps where there are no lists, and sends them with one click", () => {
    expect(suggestions()).toEqual([]);
    act(() => store.setState({ board: { ...EMPTY_BOARD, revision: 0 } }));
    fireEvent.click(screen.getByText("create a list called Groceries"));
    expect(session.send).toHaveBeenCalledWith("create a list called Groceries");
    say("t1", "x");
    expect(suggestions()).toEqual([]);
  });

  it("is about the lists that there are, and puts what would change them into the composer first", () => {
    const lists = new Map([["l1", todoList("l1", "Work")]]);
    const items = new Map([["i1", todoItem("i1", "l1", "report")]]);
    act(() => store.setState({ board: { ...EMPTY_BOARD, revision: 3, lists, items } }));
    expect(suggestions()).toEqual(["what is on Work?", "what is left to do?", "add milk to Work", "mark report as done"]);
    fireEvent.click(screen.getByText("what is on Work?"));
    fireEvent.click(screen.getByText("mark report as done"));
    expect(session.send.mock.calls).toEqual([["what is on Work?"]]);
    expect(session.write.mock.calls).toEqual([["mark report as done"]]);
  });

  it("that may have a history does not say that it is empty before that is known", () => {
    act(() => store.setState({ history: HISTORY_DUE }));
    expect(screen.getByTestId("history-loading").textContent).toBe("Loading this conversation");
    act(() => store.setState({ history: NO_HISTORY }));
    expect(screen.queryByTestId("history-loading")).toBeNull();
  });
});

describe("the history", () => {
  it("has a button for what is older, and one for what went wrong", () => {
    act(() => store.setState({ history: { status: "known", asked: null, behind: false, oldest: 5, more: true } }));
    fireEvent.click(screen.getByTestId("earlier"));
    act(() => store.setState({ history: { status: "failed", asked: null, behind: false, oldest: 5, more: true } }));
    fireEvent.click(within(screen.getByTestId("history-failed")).getByText("Try again"));
    expect(session.earlier).toHaveBeenCalledTimes(2);
  });

  it("does not bring the focus to the composer, nor an announcement", () => {
    box().blur();
    change((log) => ({ ...log, turns: [...log.turns, { ...stub, id: "t0", completed: completed("t0") }] }));
    expect(document.activeElement).toBe(document.body);
    expect(screen.getByTestId("turn-announced").textContent).toBe("");
  });
});

const stub = {
  text: "earlier",
  status: "completed",
  sent: true,
  stopping: false,
  attempt: 0,
  phases: [],
  waitsFor: null,
  prose: "",
  problem: null,
  traceId: null,
} as const;

describe("the log", () => {
  /** A scroller as browsers measure it, which happy-dom does not. */
  function measured(scrollHeight: number, clientHeight = 400): HTMLElement {
    const log = screen.getByRole("log");
    Object.defineProperties(log, { scrollHeight: { value: scrollHeight, configurable: true }, clientHeight: { value: clientHeight, configurable: true } });
    return log;
  }
  function scroll(log: HTMLElement, top: number): void {
    log.scrollTop = top;
    fireEvent.scroll(log);
  }

  it("stays at its end, unless the reader has scrolled up; then it says what is new, and jumps there on a click", () => {
    const log = measured(1_000);
    say("t1", "one");
    expect(log.scrollTop).toBe(1_000);
    scroll(log, 600);
    expect(screen.queryByTestId("to-newest")).toBeNull();
    scroll(log, 300);
    expect(screen.getByTestId("to-newest").textContent).toBe("Jump to newest");
    measured(1_400);
    end(completed("t1"));
    expect(log.scrollTop).toBe(300);
    expect(screen.getByTestId("to-newest").textContent).toBe("New answer");
    const jumps = vi.spyOn(log, "scrollTo").mockImplementation(() => {});
    fireEvent.click(screen.getByTestId("to-newest"));
    expect(jumps).toHaveBeenCalledWith({ top: 1_400, behavior: "smooth" });
    expect(screen.queryByTestId("to-newest")).toBeNull();
  });

  it("shows what the reader sends themselves", () => {
    const log = measured(1_000);
    say("t1", "one");
    scroll(log, 100);
    measured(1_200);
    say("t2", "two");
    expect(log.scrollTop).toBe(1_200);
  });

  it("stays where it is when earlier turns are asked for and come, also at its end", () => {
    const log = measured(1_000);
    act(() => store.setState({ history: { status: "known", asked: null, behind: false, oldest: 5, more: true } }));
    say("t1", "one");
    log.scrollTop = 40; // the focus went to the button, and the event of that is still on its way
    fireEvent.click(screen.getByTestId("earlier"));
    measured(1_400);
    change((known) => ({ ...known, turns: [{ ...stub, id: "t0", completed: completed("t0") }, ...known.turns] }));
    expect(log.scrollTop).toBe(40);
  });

  it("asks for earlier turns when the reader scrolls up to the beginning", () => {
    const log = measured(1_000);
    act(() => store.setState({ history: { status: "known", asked: null, behind: false, oldest: 5, more: true } }));
    say("t1", "one");
    scroll(log, 500);
    expect(session.earlier).not.toHaveBeenCalled();
    scroll(log, 100);
    expect(session.earlier).toHaveBeenCalledTimes(1);
  });
});
