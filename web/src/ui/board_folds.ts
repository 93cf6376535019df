/** Which lists are folded, kept by the browser. What it does not give back is unfolded. */

import { LISTS_MAX } from "../connection/protocol";

const KEY = "todo-agent.board.folded";

export function keptFolds(): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((id) => typeof id === "string").slice(0, LISTS_MAX) : []);
  } catch {
    return new Set(); // forbidden by the person, or spoilt
  }
}

export function keepFolds(folded: ReadonlySet<string>): void {
  try {
    // The newest ones: lists that are gone are forgotten in time.
    localStorage.setItem(KEY, JSON.stringify([...folded].slice(-LISTS_MAX)));
  } catch {
    // It is only not kept.
  }
}
