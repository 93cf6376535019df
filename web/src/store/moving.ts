/** Where an item goes when it is dragged, or moved with the keyboard. Pure. */

import type { Operation } from "../connection/operations";
import type { ListOnBoard } from "./board";

export type Target =
  | { readonly listId: string; readonly where: "first" | "end" }
  | { readonly listId: string; readonly where: "before" | "after"; readonly itemId: string };

export interface Move {
  readonly operation: Operation;
  readonly listName: string;
  /** From 1. */
  readonly place: number;
  /** Of the list, with the item in it. */
  readonly count: number;
}

/** The move that puts an item there; null where it is there already, or where that is nowhere. */
export function moveTo(lists: readonly ListOnBoard[], itemId: string, target: Target): Move | null {
  const entry = lists.find(({ list }) => list.id === target.listId);
  if (entry === undefined || ("itemId" in target && target.itemId === itemId)) return null;
  const others = entry.items.filter(({ id }) => id !== itemId);
  const place = placeIn(others.map(({ id }) => id), target);
  const now = entry.items.findIndex(({ id }) => id === itemId);
  if (place === null || place === now) return null;
  const behind = others[place - 1]?.id;
  const where = behind === undefined ? { first: true } : { after_id: behind };
  const operation = { op: "move_item", item_id: itemId, list_id: target.listId, ...where } as const;
  return { operation, listName: entry.list.name, place: place + 1, count: others.length + 1 };
}

function placeIn(others: readonly string[], target: Target): number | null {
  if (!("itemId" in target)) return target.where === "first" ? 0 : others.length;
  const index = others.indexOf(target.itemId);
  if (index === -1) return null;
  return target.where === "before" ? index : index + 1;
}

/** One step up or down among the rows that are shown, and over the edge of a list into the next one. */
export function stepFrom(lists: readonly ListOnBoard[], itemId: string, direction: "up" | "down"): Target | null {
  const index = lists.findIndex(({ items }) => items.some(({ id }) => id === itemId));
  const entry = lists[index];
  if (entry === undefined) return null;
  const at = entry.items.findIndex(({ id }) => id === itemId);
  const neighbour = entry.items[direction === "up" ? at - 1 : at + 1];
  if (neighbour !== undefined) {
    return { listId: entry.list.id, where: direction === "up" ? "before" : "after", itemId: neighbour.id };
  }
  const next = direction === "up" ? lists[index - 1] : lists[index + 1];
  return next === undefined ? null : { listId: next.list.id, where: direction === "up" ? "end" : "first" };
}
