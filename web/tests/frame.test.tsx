/** The page's frame: theme, width of the panels, the sheet of keys, and keys that work everywhere. */

import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { AgentContext } from "../src/ui/agent";
import { Keyboard, KeyboardContext, useGlobalKeys, useKey, type Handler } from "../src/ui/keyboard";
import { session, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

describe("the theme's button", () => {
  it("says which theme it is and goes on to the next", () => {
    const button = screen.getByTestId("theme");
    for (const name of ["Theme: as the system", "Theme: light", "Theme: dark", "Theme: as the system"]) {
      expect(button.getAttribute("aria-label")).toBe(name);
      fireEvent.click(button);
    }
    expect(store.getState().preferences.theme).toBe("light");
  });
});

describe("the line between the panels", () => {
  const divider = (): HTMLElement => screen.getByTestId("divider");
  const split = (): number | null => store.getState().preferences.split;

  beforeEach(() => {
    const panels = divider().parentElement;
    if (panels === null) throw new Error("the line is in no panels");
    vi.spyOn(panels, "getBoundingClientRect").mockReturnValue({ left: 100, width: 1000 } as DOMRect);
    divider().setPointerCapture = vi.fn<(id: number) => void>();
  });

  it("is moved by keys, in bounds, and says where it is", () => {
    expect(divider().getAttribute("aria-valuenow")).toBe("50");
    fireEvent.keyDown(divider(), { key: "ArrowLeft" });
    expect([split(), divider().getAttribute("aria-valuenow")]).toEqual([0.48, "48"]);
    fireEvent.keyDown(divider(), { key: "ArrowRight", shiftKey: true });
    expect(split()).toBe(0.56);
    fireEvent.keyDown(divider(), { key: "Home" });
    fireEvent.keyDown(divider(), { key: "ArrowLeft" });
    expect(split()).toBe(0.25);
    fireEvent.keyDown(divider(), { key: "End" });
    fireEvent.keyDown(divider(), { key: "ArrowRight" });
    expect(split()).toBe(0.75);
    fireEvent.keyDown(divider(), { key: "Enter" });
    expect([split(), divider().getAttribute("aria-valuenow")]).toEqual([null, "50"]);
  });

  it("follows the pointer that holds it, and keeps the width once it is let go", () => {
    fireEvent.pointerMove(divider(), { clientX: 300 });
    expect(divider().getAttribute("aria-valuenow")).toBe("50");
    fireEvent.pointerDown(divider(), { button: 0, clientX: 600 });
    fireEvent.pointerMove(divider(), { clientX: 500 });
    expect([split(), divider().getAttribute("aria-valuenow")]).toEqual([null, "40"]);
    fireEvent.pointerUp(divider(), { clientX: 450 });
    expect(split()).toBe(0.35);
    fireEvent.pointerMove(divider(), { clientX: 900 });
    expect(divider().getAttribute("aria-valuenow")).toBe("35");
    fireEvent.doubleClick(divider());
    expect(split()).toBeNull();
  });
});

describe("the sheet of keys", () => {
  it("lists what the keys do, and strikes out those that are switched off", () => {
    fireEvent.click(screen.getByTestId("help"));
    const sheet = within(screen.getByTestId("help-sheet"));
    expect(screen.getByTestId<HTMLDialogElement>("help-sheet").open).toBe(true);
    const line = (text: string): HTMLElement | null => sheet.getByText(text).closest(".help-line");
    expect(line("Stop the request that runs")?.querySelector("kbd")?.textContent).toBe("Esc");
    expect(line("Search the lists")?.dataset["off"]).toBe("false");
    fireEvent.click(screen.getByTestId("letter-keys"));
    expect(store.getState().preferences.letterKeys).toBe(false);
    expect([line("Search the lists")?.dataset["off"], line("This help")?.dataset["off"]]).toEqual(["true", "false"]);
    fireEvent.click(sheet.getByLabelText("Close"));
    expect(screen.getByTestId<HTMLDialogElement>("help-sheet").open).toBe(false);
  });
});

describe("a key that works everywhere", () => {
  function Keys({ stop }: { readonly stop: Handler | null }): null {
    useGlobalKeys();
    useKey("stop", stop);
    return null;
  }

  function show(stop: Handler | null): (next: Handler | null) => void {
    cleanup();
    const keyboard = new Keyboard();
    const tree = (handler: Handler | null): React.ReactNode => (
      <AgentContext value={{ store, session }}>
        <KeyboardContext value={keyboard}>
          <Keys stop={handler} />
        </KeyboardContext>
      </AgentContext>
    );
    const { rerender } = render(tree(stop));
    return (next) => rerender(tree(next));
  }

  it("does what the component that is shown says just now, and is left to the browser where that is nothing", () => {
    const [first, second] = [vi.fn<Handler>(), vi.fn<Handler>()];
    const rerender = show(first);
    expect(fireEvent.keyDown(document.body, { key: "Escape" })).toBe(false); // taken
    rerender(second);
    fireEvent.keyDown(document.body, { key: "Escape" });
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1]);
    rerender(null);
    expect(fireEvent.keyDown(document.body, { key: "Escape" })).toBe(true);
    expect(second).toHaveBeenCalledTimes(1);
  });

  it("is not heard behind a dialog, which has the keys to itself", () => {
    const stop = vi.fn<Handler>();
    show(stop);
    const dialog = document.createElement("dialog");
    document.body.append(dialog);
    act(() => dialog.showModal());
    fireEvent.keyDown(dialog, { key: "Escape" });
    expect(stop).not.toHaveBeenCalled();
    dialog.remove();
  });
});
