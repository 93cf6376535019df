/** What an empty conversation offers to ask, by what is on the board. Pure. */

import { texts } from "../ui/texts";
import { inOrder, type Board } from "./board";

export type Suggestion =
  /** Sent with one click. */
  | { readonly kind: "create"; readonly list: string }
  | { readonly kind: "createWith"; readonly list: string; readonly item: string }
  | { readonly kind: "open" }
  | { readonly kind: "show"; readonly list: string }
  /** They change what is there: put into the composer, to be looked at first. */
  | { readonly kind: "add"; readonly item: string; readonly list: string }
  | { readonly kind: "complete"; readonly item: string };

const EXAMPLES = texts.chat.examples;
const FIRST_STEPS: readonly Suggestion[] = [
  { kind: "create", list: EXAMPLES.list },
  { kind: "createWith", list: EXAMPLES.otherList, item: EXAMPLES.otherItem },
  { kind: "open" },
];
const NAME_MAX_CHARS = 28; // a longer one makes no chip

/** Up to four; none while the board is not known. */
export function suggestionsFor({ revision, lists, items }: Pick<Board, "revision" | "lists" | "items">): readonly Suggestion[] {
  if (revision === null) return [];
  const named = inOrder(lists, items).filter(({ list }) => isShort(list.name));
  const [first] = named;
  if (first === undefined) return lists.size === 0 ? FIRST_STEPS : [{ kind: "open" }];
  const open = named.flatMap((entry) => entry.items).find(({ done, title }) => !done && isShort(title));
  return [
    { kind: "show", list: first.list.name },
    { kind: "open" },
    { kind: "add", item: EXAMPLES.item, list: first.list.name },
    ...(open === undefined ? [] : [{ kind: "complete", item: open.title } as const]),
  ];
}

/** Whether one click may send it: it asks, or makes something new. */
export function isHarmless({ kind }: Suggestion): boolean {
  return kind !== "add" && kind !== "complete";
}

function isShort(name: string): boolean {
  return name.length <= NAME_MAX_CHARS && !/[\p{Cc}\p{Bidi_Control}]/u.test(name);
}
