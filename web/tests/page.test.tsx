import { act, cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { EMPTY_BOARD } from "../src/store/board";
import { completed } from "./samples";
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
    act(() => store.setState({ board: { ...EMPTY_BOARD, revision: 0 } }));
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
});
