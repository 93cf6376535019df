import { useEffect, type ReactNode } from "react";

import type { Revealed } from "../store/store";
import { useAgentState } from "./agent";

/** The id of the element that a row or a turn is; it can have the focus. */
export function elementIdOf({ kind, id }: Revealed): string {
  return `${kind}-${id}`;
}

/** Brings what was asked for into the middle of its panel, and the focus to it. What is not there is left alone. */
export function Revealer(): ReactNode {
  const revealed = useAgentState((state) => state.revealed);
  useEffect(() => {
    if (revealed === null) return;
    const element = document.getElementById(elementIdOf(revealed));
    element?.scrollIntoView({ block: "center" });
    element?.focus({ preventScroll: true });
  }, [revealed]);
  return null;
}
