import { act, cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { EMPTY_BOARD } from "../src/store/board";
import type { Revealed } from "../src/store/store";
import { FakeGateway } from "./fake_gateway";
import { pageOf } from "./paired";
import { say, showPage, store } from "./shown";

beforeEach(() => showPage());
afterEach(cleanup);

describe("what is to be looked at", () => {
  it("is brought into sight, with the focus, however often it is asked for", () => {
    say("t1", "add milk");
    say("t2", "add tea");
    const [card] = screen.getAllByTestId("turn");
    if (card === undefined) throw new Error("the card is missing");
    const scrolled = vi.spyOn(card, "scrollIntoView").mockImplementation(() => {});
    const reveal = (revealed: Revealed): void => act(() => store.setState({ revealed }));
    reveal({ kind: "turn", id: "t1" });
    expect(document.activeElement).toBe(card);
    screen.getByTestId("composer").focus();
    reveal({ kind: "turn", id: "t1" });
    expect(document.activeElement).toBe(card);
    expect(scrolled).toHaveBeenCalledTimes(2);
  });

  it("and is not there leaves everything as it is, whatever its id is made of", () => {
    const { activeElement } = document;
    act(() => store.setState({ revealed: { kind: "row", id: `"]:x #.\\` } }));
    expect(document.activeElement).toBe(activeElement);
  });

  it("is shown in its own panel", () => {
    const page = pageOf(new FakeGateway());
    page.session.reveal({ kind: "row", id: "i1" });
    expect(page.state()).toMatchObject({ view: "board", revealed: { kind: "row", id: "i1" } });
    const { revealed } = page.state();
    page.session.reveal({ kind: "row", id: "i1" });
    expect(page.state().revealed).not.toBe(revealed);
    page.session.reveal({ kind: "turn", id: "t1" });
    expect(page.state().view).toBe("chat");
  });

  it("on the board counts as seen there", () => {
    act(() => store.setState({ board: { ...EMPTY_BOARD, revision: 1 } }));
    act(() => store.setState({ board: { ...EMPTY_BOARD, revision: 2 } }));
    expect(screen.queryByLabelText("changed")).not.toBeNull();
    act(() => store.setState({ view: "board" }));
    act(() => store.setState({ view: "chat" }));
    expect(screen.queryByLabelText("changed")).toBeNull();
  });
});
