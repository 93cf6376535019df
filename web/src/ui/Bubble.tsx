import type { ReactNode } from "react";

import type { Turn } from "../store/turns";

/** The request itself, as its person wrote it. */
export function Bubble({ turn }: { readonly turn: Turn }): ReactNode {
  return (
    <p className="bubble" dir="auto">
      {turn.text}
    </p>
  );
}
