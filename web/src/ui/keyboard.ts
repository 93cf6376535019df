/** Joins the keys to what they do: a component says what a key does while it is shown. */

import { createContext, use, useEffect, useLayoutEffect, useRef } from "react";

import { useAgentState } from "./agent";
import { actionOf, type KeyAction } from "./keys";

export type Handler = () => void;

/** What each key does just now; of several, the newest has it. */
export class Keyboard {
  readonly #handlers = new Map<KeyAction, Handler[]>();

  /** @returns takes the handler back */
  on(action: KeyAction, handler: Handler): () => void {
    const handlers = [...(this.#handlers.get(action) ?? []), handler];
    this.#handlers.set(action, handlers);
    return () => {
      this.#handlers.set(action, this.#handlers.get(action)?.filter((other) => other !== handler) ?? []);
    };
  }

  /** @returns false where the key does nothing just now */
  press(action: KeyAction): boolean {
    const handler = this.#handlers.get(action)?.at(-1);
    handler?.();
    return handler !== undefined;
  }
}

export const KeyboardContext = createContext(new Keyboard());

/** While this component is shown, the key does this; null: not just now. */
export function useKey(action: KeyAction, handler: Handler | null): void {
  const keyboard = use(KeyboardContext);
  const newest = useRef(handler);
  useLayoutEffect(() => {
    newest.current = handler;
  });
  const isOn = handler !== null;
  useEffect(() => (isOn ? keyboard.on(action, () => newest.current?.()) : undefined), [keyboard, action, isOn]);
}

// What is open over the page has the keys to itself: Esc closes it, and nothing behind it is reached.
const OPEN = ["dialog[open]", "[popover]:not([popover=manual]):popover-open"] as const;

function isCovered(): boolean {
  return OPEN.some((selector) => {
    try {
      return document.querySelector(selector) !== null;
    } catch {
      return false; // a browser that knows no popovers has none open
    }
  });
}

/** Listen to the whole page's keys. Once, in the frame. */
export function useGlobalKeys(): void {
  const keyboard = use(KeyboardContext);
  const letters = useAgentState((state) => state.preferences.letterKeys);
  // Not after the next painting: what a person has just switched off is off for the key that follows.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const action = actionOf(event, letters);
      if (action === null || isCovered()) return;
      if (keyboard.press(action)) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [keyboard, letters]);
}
