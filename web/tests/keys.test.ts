import { describe, expect, it } from "vitest";

import { actionOf, KEYS } from "../src/ui/keys";
import { texts } from "../src/ui/texts";

function press(key: string, more: KeyboardEventInit = {}, target: HTMLElement = document.body): KeyboardEvent {
  let seen: KeyboardEvent | null = null;
  const take = (event: Event): void => {
    seen = event as KeyboardEvent;
  };
  if (target !== document.body) document.body.append(target);
  target.addEventListener("keydown", take, { once: true });
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
  if (seen === null) throw new Error("the key was not heard");
  return seen;
}

function field(markup: string): HTMLElement {
  const element = document.createRange().createContextualFragment(markup).firstElementChild;
  if (!(element instanceof HTMLElement)) throw new Error(markup);
  return element;
}

describe("a key", () => {
  it.each([
    ["?", { shiftKey: true }, "help"],
    ["/", {}, "compose"],
    ["/", { shiftKey: true }, "compose"], // where that is how it is written
    ["/", { ctrlKey: true }, "help"],
    ["/", { metaKey: true }, "help"],
    ["Escape", {}, "stop"],
    ["ArrowUp", { altKey: true }, "edit_last"],
    ["ArrowUp", {}, null],
    ["F6", {}, "switch_panels"],
    ["F6", { ctrlKey: true }, null],
    ["s", {}, "search"],
    ["s", { ctrlKey: true }, null],
    ["t", { altKey: true }, null],
    ["x", {}, null],
  ] as const)("%s with %o asks for %s", (key, modifiers, action) => {
    expect(actionOf(press(key, modifiers), true)).toBe(action);
  });

  it.each(["<textarea></textarea>", "<input>", '<input type="search">', "<select></select>"])(
    "that is a character is text in %s; others work there too",
    (markup) => {
      const inside = field(markup);
      for (const key of ["?", "/", "s", "t", "c"]) expect(actionOf(press(key, {}, inside), true)).toBeNull();
      expect(actionOf(press("Escape", {}, inside), true)).toBe("stop");
      expect(actionOf(press("/", { ctrlKey: true }, inside), true)).toBe("help");
    },
  );

  it.each(["<button></button>", '<input type="checkbox">'])("that is a character works on %s, which nobody writes in", (markup) => {
    expect(actionOf(press("t", {}, field(markup)), true)).toBe("theme");
  });

  it("that is a character does nothing where the person has switched such keys off", () => {
    expect(actionOf(press("t"), false)).toBeNull();
    expect(actionOf(press("Escape"), false)).toBe("stop");
  });

  it("of an input method, or held down, is none of ours", () => {
    expect(actionOf(press("Escape", { isComposing: true }), true)).toBeNull();
    expect(actionOf(press("Escape", { repeat: true }), true)).toBeNull();
  });
});

describe("the table of keys", () => {
  it("has no two keys alike, and a text for each", () => {
    const shown = KEYS.map(({ shown: keys }) => keys.join(" "));
    expect(new Set(shown).size).toBe(KEYS.length);
    for (const { action } of KEYS) expect(texts.help.actions[action]).not.toBe("");
  });
});
