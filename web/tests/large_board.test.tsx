import { act, cleanup, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { EMPTY_BOARD, type Board } from "../src/store/board";
import { todoItem, todoList } from "./samples";
import { showPage, store } from "./shown";

const LISTS = 500;
const EACH = 20;

/** One that tells what a test says. */
class FakeObserver implements Partial<IntersectionObserver> {
  static newest: FakeObserver;
  readonly watched = new Set<Element>();
  readonly #tell: IntersectionObserverCallback;

  constructor(tell: IntersectionObserverCallback) {
    this.#tell = tell;
    FakeObserver.newest = this;
  }

  observe(element: Element): void {
    this.watched.add(element);
  }

  unobserve(element: Element): void {
    this.watched.delete(element);
  }

  tell(target: Element, isIntersecting: boolean, width = 300): void {
    const entry = { target, isIntersecting, boundingClientRect: { width } } as IntersectionObserverEntry;
    act(() => this.#tell([entry], this as unknown as IntersectionObserver));
  }
}

function large(): Board {
  const lists = Array.from({ length: LISTS }, (_, number) => todoList(`l${number}`, `Folder ${number}`, String(number).padStart(4, "0")));
  const items = lists.flatMap(({ id }) => Array.from({ length: EACH }, (_, number) => todoItem(`${id}x${number}`, id, `errand ${number}`)));
  return {
    ...EMPTY_BOARD,
    revision: 7,
    stale: false,
    lists: new Map(lists.map((list) => [list.id, list])),
    items: new Map(items.map((item) => [item.id, item])),
  };
}

function card(number: number): HTMLElement {
  return screen.getByTestId("board-of-lists").children[number] as HTMLElement;
}

beforeEach(() => {
  vi.stubGlobal("IntersectionObserver", FakeObserver);
  showPage({ board: large() });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it("ten thousand to-dos are not all in the document: the first lists are, and each list by its name", () => {
  expect(document.querySelectorAll("[data-testid=list]")).toHaveLength(LISTS);
  expect(document.querySelectorAll("[data-testid=item]")).toHaveLength(8 * EACH);
  expect(document.querySelectorAll("*").length).toBeLessThan(6_000);
});

it("a list has its rows while it is near, keeps its height afterwards, and is left as it is in a panel that is hidden", () => {
  const list = card(300);
  expect(list.querySelectorAll("[data-testid=item]")).toHaveLength(0);
  expect(list.style.blockSize).toBe(`${48 + EACH * 41 + 37}px`);
  FakeObserver.newest.tell(list, true);
  expect(list.querySelectorAll("[data-testid=item]")).toHaveLength(EACH);
  FakeObserver.newest.tell(list, false, 0);
  expect(list.querySelectorAll("[data-testid=item]")).toHaveLength(EACH);
  vi.spyOn(list, "offsetHeight", "get").mockReturnValue(777);
  FakeObserver.newest.tell(list, false);
  expect(list.querySelectorAll("[data-testid=item]")).toHaveLength(0);
  expect(list.style.blockSize).toBe("777px");
});

it("the row that has the focus stays, however far it is scrolled away", () => {
  const list = card(300);
  FakeObserver.newest.tell(list, true);
  list.querySelector<HTMLElement>("[type=checkbox]")?.focus();
  FakeObserver.newest.tell(list, false);
  expect(list.contains(document.activeElement)).toBe(true);
});

it("a row that a receipt leads to is made where it is", () => {
  act(() => store.setState({ revealed: { kind: "row", id: "l400x7" } }));
  expect(document.activeElement?.id).toBe("row-l400x7");
});
