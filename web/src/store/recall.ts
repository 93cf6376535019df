/** Walking through what was asked before, in the composer, as a shell does it. Pure. */

export interface Recall {
  /** What stood in the composer when the walk began. */
  readonly draft: string;
  /** How many requests back: 1 is the newest. */
  readonly back: number;
}

export interface Recalled {
  readonly recall: Recall | null;
  readonly text: string;
}

/**
 * One step `back` (towards older ones) or `forth`.
 *
 * @param asked the requests, the oldest first
 * @param text what stands in the composer
 * @returns null where there is nothing in that direction
 */
export function stepThrough(asked: readonly string[], recall: Recall | null, text: string, step: "back" | "forth"): Recalled | null {
  const from = recall?.back ?? 0;
  const back = from + (step === "back" ? 1 : -1);
  if (back < 0 || back > asked.length || (back === 0 && recall === null)) return null;
  const draft = recall?.draft ?? text;
  if (back === 0) return { recall: null, text: draft };
  return { recall: { draft, back }, text: asked.at(-back) ?? "" };
}
