/** Which rows of the board are wanted. Pure. */

import type { TodoItem } from "../connection/protocol";
import type { ListOnBoard } from "./board";
import { dayOf, daysBetween, isOverdue, localDay } from "./due";

export type StateWanted = "all" | "open" | "done";
export type DueWanted = "any" | "overdue" | "today" | "week" | "some" | "none";
export type PriorityWanted = "any" | "high" | "medium" | "low";

export interface Filter {
  readonly text: string;
  readonly state: StateWanted;
  readonly due: DueWanted;
  /** At least this one. */
  readonly priority: PriorityWanted;
}

export const EVERYTHING: Filter = { text: "", state: "all", due: "any", priority: "any" };
const WEEK_DAYS = 7;
const NONE: ReadonlySet<string> = new Set();
const RANKS = { none: 0, low: 1, medium: 2, high: 3 } as const;

export function isFiltering({ text, state, due, priority }: Filter): boolean {
  return foldedText(text) !== "" || state !== "all" || due !== "any" || priority !== "any";
}

const folded = new WeakMap<TodoItem, string>(); // ten thousand titles are looked through at each letter that is typed

/** Letters as they are compared: without case, width, accents or leading and trailing space. */
export function foldedText(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase().trim();
}

/**
 * The lists with what is wanted of each, those without any left out. A list whose name is searched for keeps all its rows
 * that are wanted otherwise, and is shown even where it has none.
 *
 * @param now decides what is overdue, and which day is today in the reader's zone
 * @param kept lists and to-dos that are shown in any case: they are being edited, or were added just now
 */
export function filtered(
  lists: readonly ListOnBoard[],
  filter: Filter,
  now: Date,
  kept: ReadonlySet<string> = NONE,
): readonly ListOnBoard[] {
  if (!isFiltering(filter)) return lists;
  const text = foldedText(filter.text);
  const isWanted = (item: TodoItem): boolean => hasState(item, filter) && isDue(item, filter, now) && hasPriority(item, filter);
  const isOnlySearch = !isFiltering({ ...filter, text: "" });
  return lists.flatMap((entry) => {
    const isNamed = text !== "" && foldedText(entry.list.name).includes(text);
    const items = entry.items.filter((item) => kept.has(item.id) || (isWanted(item) && (text === "" || isNamed || mentions(item, text))));
    if (items.length === 0 && !(isNamed && isOnlySearch) && !kept.has(entry.list.id)) return [];
    return [items.length === entry.items.length ? entry : { ...entry, items }];
  });
}

function mentions(item: TodoItem, text: string): boolean {
  const known = folded.get(item);
  const words = known ?? foldedText(`${item.title}\n${item.notes}`);
  if (known === undefined) folded.set(item, words);
  return words.includes(text);
}

function hasState({ done }: TodoItem, { state }: Filter): boolean {
  return state === "all" || (state === "done") === done;
}

function hasPriority({ priority }: TodoItem, { priority: wanted }: Filter): boolean {
  return wanted === "any" || RANKS[priority] >= RANKS[wanted];
}

function isDue({ due, done }: TodoItem, { due: wanted }: Filter, now: Date): boolean {
  if (wanted === "any") return true;
  if (due === null) return wanted === "none";
  const days = daysBetween(localDay(now), dayOf(due));
  switch (wanted) {
    case "overdue":
      return isOverdue(due, now) && !done;
    case "today":
      return days === 0;
    case "week":
      return days >= 0 && days < WEEK_DAYS;
    case "some":
      return true;
    case "none":
      return false;
  }
}
