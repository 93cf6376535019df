import { describe, expect, it } from "vitest";

import { AS_IT_COMES, keepPreferences, nextTheme, type Preferences } from "../src/store/preferences";
import { createAgentStore, type AgentStore } from "../src/store/store";
import { FakeStorage } from "./samples";

function page(storage: FakeStorage | null): { store: AgentStore; root: HTMLElement } {
  const [store, root] = [createAgentStore(), document.createElement("html")];
  keepPreferences(store, storage, root);
  return { store, root };
}

function prefer(store: AgentStore, change: Partial<Preferences>): void {
  store.setState(({ preferences }) => ({ preferences: { ...preferences, ...change } }));
}

const KEY = "todo-agent.preferences";

describe("preferences", () => {
  it("are as the page comes where nothing is kept, and nothing is written before one is changed", () => {
    const storage = new FakeStorage();
    const { store, root } = page(storage);
    expect(store.getState().preferences).toEqual(AS_IT_COMES);
    expect(root.dataset["theme"]).toBeUndefined();
    store.setState({ draft: "x" });
    expect(storage.length).toBe(0);
  });

  it("outlive a reload, and the theme is told to the document, which follows the system without one", () => {
    const storage = new FakeStorage();
    prefer(page(storage).store, { theme: "dark", split: 0.4, letterKeys: false });
    const { store, root } = page(storage);
    expect(store.getState().preferences).toEqual({ theme: "dark", split: 0.4, letterKeys: false });
    expect(root.dataset["theme"]).toBe("dark");
    prefer(store, { theme: "auto" });
    expect(root.dataset["theme"]).toBeUndefined();
  });

  it.each([["garbage"], ["[]"], ['{"theme":"pink","split":7,"letterKeys":"no"}']])("that are kept as %s are none", (kept) => {
    expect(page(new FakeStorage({}, [[KEY, kept]])).store.getState().preferences).toEqual(AS_IT_COMES);
  });

  it("of which one cannot be read keep the others", () => {
    const { store } = page(new FakeStorage({}, [[KEY, '{"theme":"dark","split":-1}']]));
    expect(store.getState().preferences).toEqual({ ...AS_IT_COMES, theme: "dark" });
  });

  it.each([new FakeStorage({ full: true }), new FakeStorage({ forbidden: true }), null])("hold until the page is left where nothing can be kept", (storage) => {
    const { store, root } = page(storage);
    prefer(store, { theme: "light" });
    expect(root.dataset["theme"]).toBe("light");
  });

  it("go through the themes in turn", () => {
    expect([nextTheme("auto"), nextTheme("light"), nextTheme("dark")]).toEqual(["light", "dark", "auto"]);
  });
});
