import { act, cleanup, fireEvent, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ConnectionState } from "../src/connection/state";
import { beginLoading, EMPTY_BOARD, takeList } from "../src/store/board";
import { completed, stateList, todoItem, todoList } from "./samples";
import { end, say, session, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

describe("the composer", () => {
  const box = (): HTMLTextAreaElement => screen.getByTestId("composer");

  it("sends on Enter and is empty then, begins a line on Shift+Enter, and leaves input methods alone", () => {
    fireEvent.input(box(), { target: { value: "add milk" } });
    fireEvent.keyDown(box(), { key: "Enter", shiftKey: true });
    fireEvent.keyDown(box(), { key: "Enter", isComposing: true });
    expect(session.send).not.toHaveBeenCalled();
    fireEvent.keyDown(box(), { key: "Enter" });
    expect(session.send.mock.calls).toEqual([["add milk"]]);
    expect(box().value).toBe("");
  });

  it("keeps what was not sent", () => {
    session.send.mockReturnValue(false);
    fireEvent.input(box(), { target: { value: "add milk" } });
    fireEvent.click(screen.getByTestId("send"));
    expect(box().value).toBe("add milk");
  });

  it("has the focus after a send, whichever control sent it", () => {
    session.send.mockImplementation((text) => {
      say(text.replaceAll(" ", "-"), text);
      return true;
    });
    const click = (control: HTMLElement): void => {
      control.focus();
      fireEvent.click(control);
      expect(document.activeElement).toBe(box());
      box().blur();
    };
    click(screen.getByText("create a list called Groceries"));
    fireEvent.input(box(), { target: { value: "add milk" } });
    click(screen.getByTestId("send"));
    end(completed("add-milk", { outcome: "clarify", candidates: [{ label: "Groceries", reply: "to Groceries" }] }));
    expect(document.activeElement).not.toBe(box());
    click(screen.getByTestId("candidate"));
  });

  it.each([true, false])("has the focus from the start where there is a fine pointer: %s", (fine) => {
    cleanup();
    vi.spyOn(globalThis, "matchMedia").mockImplementation(
      (query) => ({ matches: fine && query === "(pointer: fine)" }) as MediaQueryList,
    );
    showPage();
    expect(document.activeElement === box()).toBe(fine);
  });

  it("begins with the draft of before a reload, and keeps what is written", () => {
    cleanup();
    showPage({ draft: "buy mi" });
    expect(box().value).toBe("buy mi");
    fireEvent.input(box(), { target: { value: "buy milk" } });
    expect(session.keepDraft).toHaveBeenLastCalledWith("buy milk");
    fireEvent.click(screen.getByTestId("send"));
    expect(session.keepDraft).toHaveBeenLastCalledWith("");
  });

  it("says when a request is too long", () => {
    fireEvent.input(box(), { target: { value: "ä".repeat(4_100) } });
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
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 0.43 } }));
    expect(pill.dataset["state"]).toBe("connected");
    expect(pill.textContent).toBe("Connected · 0.43 ms");
  });

  it("is dimmed while the server does not answer", () => {
    const pill = screen.getByTestId("connection");
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1, silentMs: 3_004 } }));
    expect(pill.textContent).toBe("No answer for 3 s");
    expect(pill.dataset).toMatchObject({ state: "connected", degraded: "true" });
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1 } }));
    expect(pill.dataset["degraded"]).toBe("false");
  });

  it("shows the way it takes, where it knows it; a relay is no worse than another", () => {
    const pill = screen.getByTestId("connection");
    const connection: ConnectionState = { name: "connected", attempt: 1, failures: 0, rttMs: 12 };
    act(() => store.setState({ connection, path: { local: "relay", remote: "host", protocol: "udp" } }));
    expect(pill.textContent).toBe("Connected · relay/udp · 12 ms");
    expect(pill.dataset).toMatchObject({ state: "connected", degraded: "false", path: "relay/udp" });
    act(() => store.setState({ connection, path: { local: "srflx", remote: "host", protocol: "udp" } }));
    expect(pill.textContent).toBe("Connected · direct · 12 ms");
  });

  it("says why it is away and can be hurried", () => {
    const reason = { code: "internal", detail: "something went wrong here" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 2, delayMs: 4_200, reason } }));
    expect(screen.getByTestId("notice").textContent).toContain("Something went wrong here. Next try in 4 s.");
    expect(screen.getByRole("alert").textContent).toBe("Something went wrong here.");
    fireEvent.click(screen.getByText("Try now"));
    expect(session.connect).toHaveBeenCalled();
  });

  it("goes on saying why while it tries, in the same words, so that they are read out once", () => {
    const reason = { code: "timeout", detail: "late", obstacle: "relay_unreachable" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 200, reason } }));
    const alert = screen.getByRole("alert");
    const said = alert.textContent;
    expect(said).toContain("try another network");
    act(() => store.setState({ connection: { name: "signaling", attempt: 2, failures: 1, reason } }));
    expect(screen.getByRole("alert")).toBe(alert);
    expect(alert.textContent).toBe(said);
  });

  it("says nothing of a first loss that mends at once", () => {
    const reason = { code: "unavailable", detail: "The server cannot be reached.", obstacle: "unreachable" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 200, reason } }));
    expect(screen.queryByTestId("notice")).toBeNull();
  });

  it.each([
    ["superseded", "Take it back", "taken this conversation over"],
    ["unauthorised", "Try again", "open the link you were given again"],
  ] as const)("that has ended for good (%s) says what to do, and does it on a click", (code, button, words) => {
    act(() => store.setState({ connection: { name: "failed", reason: { code, detail: "as the server put it" } } }));
    expect(screen.getByRole("alert").textContent).toContain(words);
    fireEvent.click(screen.getByText(button));
    expect(session.connect).toHaveBeenCalled();
  });

  it("to a server that needs a newer page offers to load it, even while the old channel serves", () => {
    const reload = vi.spyOn(location, "reload").mockImplementation(() => {});
    const move = { name: "refused", reason: { code: "unsupported_version", detail: "no" } } as const;
    act(() => store.setState({ connection: { name: "connected", attempt: 1, failures: 0, rttMs: 1, move } }));
    fireEvent.click(screen.getByText("Reload"));
    expect(reload).toHaveBeenCalled();
    expect(session.connect).not.toHaveBeenCalled();
  });

  it("that is about to end says so quietly", () => {
    const regions = screen.getAllByRole("status");
    act(() => store.setState({ signInEnds: 5 }));
    expect(screen.queryByRole("alert")).toBeNull();
    const notice = within(screen.getByTestId("notice"));
    expect(regions).toContain(screen.getByTestId("notice").parentElement);
    expect(screen.getByTestId("notice").querySelector("p")?.textContent).toBe("Your sign-in ends in 5 minutes; open a new link to stay connected.");
    fireEvent.click(notice.getByText("Dismiss"));
    expect(session.dismissSignIn).toHaveBeenCalled();
  });
});

describe("without sight", () => {
  it("a person hears, once each, that the server does not answer and that it does again", () => {
    const heard = (): string => screen.getByTestId("connection-announced").textContent;
    const connection: ConnectionState = { name: "connected", attempt: 1, failures: 0, rttMs: 1 };
    act(() => store.setState({ connection: { ...connection, silentMs: 3_000 } }));
    expect(heard()).toBe("The server does not answer.");
    act(() => store.setState({ connection: { ...connection, silentMs: 6_000 } }));
    expect(heard()).toBe("The server does not answer.");
    const reason = { code: "timeout", detail: "late" } as const;
    act(() => store.setState({ connection: { name: "reconnecting", failures: 1, delayMs: 1, reason } }));
    expect(heard()).toBe("");
    act(() => store.setState({ connection }));
    expect(heard()).toBe("Connected.");
    act(() => store.setState({ connection: { ...connection, rttMs: 9 } }));
    expect(heard()).toBe("Connected.");
  });

  it.each([true, false])("a notice's button that goes passes its focus on to the composer, if it has it: %s", (had) => {
    const reason = { code: "superseded", detail: "another tab" } as const;
    act(() => store.setState({ connection: { name: "failed", reason }, notice: { code: "internal", detail: "went wrong" } }));
    if (had) screen.getByText("Take it back").focus();
    else screen.getByText("Dismiss").focus();
    act(() => store.setState({ connection: { name: "signaling", attempt: 2, failures: 0, reason: null } }));
    expect(document.activeElement).toBe(had ? screen.getByTestId("composer") : screen.getByText("Dismiss"));
  });
});

describe("the board", () => {
  it("counts as changed only after its first state, until it is looked at", () => {
    const at = (revision: number): void => act(() => store.setState({ board: { ...EMPTY_BOARD, revision } }));
    const changed = (): unknown => screen.queryByLabelText("changed");
    at(0);
    expect(changed()).toBeNull();
    at(1);
    expect(changed()).not.toBeNull();
    fireEvent.click(screen.getByRole("button", { name: /Lists/ }));
    expect(changed()).toBeNull();
  });

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
