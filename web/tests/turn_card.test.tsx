import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { stopAll } from "../src/store/queue";
import { putBack, sendAgain, silenceTurn, turnSent } from "../src/store/turns";
import { completed } from "./samples";
import { end, hear, say, session, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

const pass = (ms: number): void =>
  act(() => {
    vi.advanceTimersByTime(ms);
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

  it("says what a step that takes long is waiting for, until the next one begins", () => {
    say("t1", "add milk");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    const planning = { type: "turn.phase", turn_id: "t1", phase: "plan", attempt: 1 } as const;
    hear({ ...planning, elapsed_ms: 1 });
    hear({ ...planning, elapsed_ms: 3001, waits_for: "model" });
    expect(screen.getByTestId("turn").textContent).toContain("waiting for the language model");
    hear({ type: "turn.phase", turn_id: "t1", phase: "execute", attempt: 1, elapsed_ms: 3100 });
    hear({ ...planning, elapsed_ms: 3001, waits_for: "model" });
    expect(screen.getByTestId("turn").textContent).not.toContain("waiting for");
  });

  it("says for how long a step has been running, once that is worth saying", () => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
    say("t1", "add milk");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    hear({ type: "turn.phase", turn_id: "t1", phase: "plan", attempt: 1, elapsed_ms: 1 });
    const plan = (): string => screen.getAllByTestId("phase")[0]?.textContent ?? "";
    pass(900);
    expect(plan()).toBe("PLANrunning");
    pass(600);
    expect(plan()).toBe("PLANrunning1.5 s");
    vi.useRealTimers();
  });

  it("that waits in line for long says so", () => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
    say("t1", "add milk");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    expect(screen.queryByText(/Its turn comes/)).toBeNull();
    pass(1_100);
    expect(screen.queryByText(/Its turn comes/)).not.toBeNull();
    hear({ type: "turn.phase", turn_id: "t1", phase: "plan", attempt: 1, elapsed_ms: 1 });
    expect(screen.queryByText(/Its turn comes/)).toBeNull();
    vi.useRealTimers();
  });

  it.each([
    ["confirmed", "confirmed", "good"],
    ["refuted", "refuted", "bad"],
    ["unknown", "unknown", "warn"],
    ["confirmed", null, "warn"],
  ])("of outcome %s and verdict %s has a CONFIRM that is %s", (outcome, verdict, tone) => {
    say("t1", "add milk");
    const timings = { plan: 12, execute: 3, confirm: 2, total: 18 };
    end(completed("t1", { outcome, receipt: { verdict, timings, attempt: 2 } }));
    expect(screen.getAllByTestId("phase").map(({ dataset }) => dataset["tone"])).toEqual([undefined, undefined, tone]);
    expect(screen.getByTestId("turn").textContent).toContain("attempt 2");
    expect(screen.getByTestId("turn").textContent).toContain("18 ms in all");
  });

  it("is announced once, when it ends", () => {
    say("t1", "add milk");
    const status = screen.getByTestId("turn-announced");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    expect(status.textContent).toBe("");
    end(completed("t1"));
    expect(status.textContent).toBe("Answered. Two items.");
    const said = status.firstElementChild;
    say("t2", "add milk");
    end(completed("t2"));
    expect(status.textContent).toBe("Answered. Two items.");
    expect(status.firstElementChild).not.toBe(said);
    expect(screen.getByRole("log").getAttribute("aria-live")).toBe("off");
  });

  it("that was rejected for what it is says why in a person's words, and its text goes back to the composer", () => {
    say("t1", "add milk");
    hear({ type: "turn.rejected", code: "invalid", field: "text", detail: "holds a control character; remove it", turn_id: "t1" });
    const problem = within(screen.getByTestId("turn")).getByTestId("turn-problem");
    expect(problem.textContent).toContain("Not taken. Your request holds a control character; remove it.");
    expect(within(problem).queryByText("Send again")).toBeNull();
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("add milk");
    fireEvent.click(within(problem).getByText("Edit"));
    expect(session.edit).toHaveBeenCalledWith("t1");
  });

  it("that was rejected leaves alone what is being written, until its text is asked for", () => {
    const box = screen.getByTestId<HTMLTextAreaElement>("composer");
    say("t1", "add milk");
    fireEvent.input(box, { target: { value: "add eggs" } });
    hear({ type: "turn.rejected", code: "invalid", turn_id: "t1" });
    expect(box.value).toBe("add eggs");
    box.blur();
    act(() => store.setState(({ log }) => ({ log: putBack(log, "t1") })));
    expect(box.value).toBe("add eggs\nadd milk");
    expect(document.activeElement).toBe(box);
  });

  it("that was stopped and then rejected can be sent again as well", () => {
    say("t1", "add milk");
    act(() => store.setState(({ log }) => ({ log: stopAll(turnSent(log, "t1")).log })));
    hear({ type: "turn.rejected", code: "capacity", turn_id: "t1" });
    fireEvent.click(within(screen.getByTestId("turn-problem")).getByText("Send again"));
    expect(session.sendAgain).toHaveBeenCalledWith("t1");
  });

  it("that was rejected for the moment can be sent again, and is not announced as rejected then", () => {
    say("t1", "add milk");
    hear({ type: "turn.rejected", code: "capacity", turn_id: "t1" });
    const status = screen.getByTestId("turn-announced");
    expect(status.textContent).toContain("Not taken.");
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("");
    fireEvent.click(screen.getByText("Send again"));
    expect(session.sendAgain).toHaveBeenCalledWith("t1");
    act(() => store.setState(({ log }) => ({ log: sendAgain(log, "t1") })));
    expect(status.textContent).toBe("");
    act(() => store.setState(({ log }) => ({ log: { ...log, lastEnded: "t1" } })));
    hear({ type: "turn.rejected", code: "rate", turn_id: "t1" });
    expect(status.textContent).toBe("");
  });

  it("of which it is not known whether it was stored says so, and not that it was not taken", () => {
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1 } }));
    say("t1", "add milk");
    expect(screen.getByTestId("turn").textContent).toContain("Sending");
    const detail = "may or may not be stored; send the turn again with the same turn_id";
    hear({ type: "error", code: "timeout", ref: "t1", field: "turn_id", detail });
    const { textContent } = screen.getByTestId("turn");
    expect(textContent).toContain("Not known yet; asking again");
    expect(textContent).not.toContain("turn_id");
    expect(screen.queryByTestId("turn-problem")).toBeNull();
    expect(screen.getByTestId("turn-announced").textContent).toBe("");
  });

  it("that went silent says where to look", () => {
    say("t1", "add milk");
    hear({ type: "turn.accepted", ref: "t1", turn_id: "t1" });
    act(() => store.setState(({ log }) => ({ log: silenceTurn(log, "t1") })));
    expect(screen.getByTestId("turn-problem").textContent).toContain("No word of this request any more; look at the lists.");
    fireEvent.click(screen.getByText("Ask again"));
    expect(session.sendAgain).toHaveBeenCalledWith("t1");
    expect(screen.getByTestId("turn-announced").textContent).toBe("No word of this request any more; look at the lists.");
    expect(screen.getByTestId("turn").getAttribute("aria-busy")).toBe("false");
  });

  it("may offer two candidates with the same reply", () => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    say("t1", "mark it");
    const candidate = { label: "milk", reply: "complete milk" };
    end(completed("t1", { outcome: "clarify", candidates: [candidate, candidate] }));
    const [first, second] = screen.getAllByTestId("candidate");
    if (first === undefined) throw new Error("a candidate is missing");
    fireEvent.click(first);
    expect([first, second].map((button) => button?.getAttribute("aria-pressed"))).toEqual(["true", "false"]);
    expect(complaints).not.toHaveBeenCalled();
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

  const chips = (): (string | boolean | null)[][] =>
    screen.getAllByTestId<HTMLButtonElement>("candidate").map((button) => [button.textContent, button.disabled, button.getAttribute("aria-pressed")]);

  it("shows after a reload which choice was made", () => {
    say("t1", "add milk");
    const candidates = [
      { label: "Groceries", reply: "add milk to Groceries" },
      { label: "Party", reply: "add milk to Party" },
    ];
    end(completed("t1", { outcome: "clarify", reason: "which_list", candidates }));
    expect(screen.getByTestId("receipt").textContent).toContain("Choose, or name the list.");
    say("t2", "add milk to Party");
    expect(chips()).toEqual([
      ["Groceries", true, "false"],
      ["Party", true, "true"],
    ]);
    expect(screen.getByTestId("receipt").textContent).not.toContain("Choose");
    expect(screen.queryByText(/Something else was asked/)).toBeNull();
  });

  it("offers on, after another request, only the choices that say all they need", () => {
    say("t1", "add milk");
    const candidates = [
      { label: "1. Groceries", reply: "number 1" },
      { label: "Party", reply: "add milk to Party" },
    ];
    end(completed("t1", { outcome: "clarify", reason: "lists_alike", candidates }));
    expect(chips().map(([, isDisabled]) => isDisabled)).toEqual([false, false]);
    say("t2", "what is on Party?");
    hear({ type: "turn.rejected", code: "capacity", turn_id: "t2" });
    expect(chips().map(([, isDisabled]) => isDisabled)).toEqual([false, false]);
    say("t3", "what is on Party?");
    expect(chips().map(([, isDisabled]) => isDisabled)).toEqual([true, false]);
    expect(screen.getByText(/Something else was asked/)).toBeTruthy();
  });

  it("does not take a yes to a deletion once something else was asked", () => {
    say("t1", "delete Groceries");
    const candidates = [{ label: "Yes, delete", reply: "yes, delete Groceries" }];
    end(completed("t1", { outcome: "clarify", reason: "confirm_deletion", candidates }));
    say("t2", "no");
    expect(chips()).toEqual([["Yes, delete", true, "false"]]);
  });
});
