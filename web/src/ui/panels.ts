/** Going from panel to panel by keys. */

import { useLayoutEffect, useState } from "react";

import type { View } from "../store/store";
import { useActions, useAgentState } from "./agent";
import { COMPOSER_ID } from "./Composer";
import { useKey } from "./keyboard";

const CONTROLS = "button:enabled, input:enabled, select:enabled, textarea:enabled, summary, a[href], [tabindex='0']";

function panelOf(view: View): HTMLElement | null {
  return document.querySelector<HTMLElement>(view === "chat" ? ".chat" : ".board");
}

function isShown(element: HTMLElement): boolean {
  return element.offsetParent !== null;
}

/** The chat is entered where one writes, the board at its first control, or, without one, as a whole. */
function enter(view: View): void {
  const panel = panelOf(view);
  if (panel === null) return;
  const control =
    view === "chat"
      ? document.getElementById(COMPOSER_ID)
      : [...panel.querySelectorAll<HTMLElement>(CONTROLS)].find((candidate) => isShown(candidate));
  if (control !== undefined && control !== null) control.focus();
  else {
    panel.tabIndex = -1;
    panel.focus();
  }
}

export function usePanelKeys(): void {
  const session = useActions();
  const view = useAgentState((state) => state.view);
  const [entered, setEntered] = useState<{ readonly view: View } | null>(null);
  const go = (to: View): void => {
    session.look(to);
    setEntered({ view: to });
  };
  // After the panel is shown, since what is hidden takes no focus; and before the next key.
  useLayoutEffect(() => {
    if (entered !== null) enter(entered.view);
  }, [entered]);

  useKey("compose", () => go("chat"));
  useKey("switch_panels", () => {
    const isInBoard = panelOf("board")?.contains(document.activeElement) === true;
    const isAlone = [panelOf("chat"), panelOf("board")].some((panel) => panel !== null && !isShown(panel));
    const from = isAlone ? view : isInBoard ? "board" : "chat";
    go(from === "chat" ? "board" : "chat");
  });
}
