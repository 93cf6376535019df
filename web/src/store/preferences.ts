/** How a person wants the page to look and to be used: kept in the browser for all of its tabs, told to the document. */

import * as v from "valibot";

import type { AgentStore } from "./store";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

export interface Preferences {
  /** `auto`: as the system has it. */
  readonly theme: Theme;
  /** The chat's share of a wide screen, from 0 to 1; null: as the page thinks best. */
  readonly split: number | null;
  /** Whether keys that are characters do something outside of fields. */
  readonly letterKeys: boolean;
}

export const AS_IT_COMES: Preferences = { theme: "auto", split: null, letterKeys: true };

const NAME = "todo-agent.preferences";
const PreferencesSchema = v.object({
  theme: v.fallback(v.picklist(THEMES), AS_IT_COMES.theme),
  split: v.fallback(v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1))), AS_IT_COMES.split),
  letterKeys: v.fallback(v.boolean(), AS_IT_COMES.letterKeys),
});

export function nextTheme(theme: Theme): Theme {
  return THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
}

function read(storage: Storage | null): Preferences {
  try {
    const checked = v.safeParse(PreferencesSchema, JSON.parse(storage?.getItem(NAME) ?? "null"));
    return checked.success ? checked.output : AS_IT_COMES;
  } catch {
    return AS_IT_COMES; // not JSON, or a storage that may not be read
  }
}

function show(root: HTMLElement, { theme }: Preferences): void {
  if (theme === "auto") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
}

/** Take what is kept into the store and show it; from now on keep and show what changes. */
export function keepPreferences(store: AgentStore, storage: Storage | null, root: HTMLElement): void {
  store.setState({ preferences: read(storage) });
  show(root, store.getState().preferences);
  store.subscribe(({ preferences }, before) => {
    if (preferences === before.preferences) return;
    show(root, preferences);
    try {
      storage?.setItem(NAME, JSON.stringify(preferences));
    } catch {
      // Full, or not allowed: it holds until this page is left.
    }
  });
}
