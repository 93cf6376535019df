/** A native popover and whether it is open. The browser opens it at its button, closes it at Esc and at a click elsewhere. */

import { useEffect, useRef, useState, type RefObject } from "react";

interface Popover {
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly isOpen: boolean;
}

export function usePopover(): Popover {
  const ref = useRef<HTMLDivElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    // Filled before it is shown, so that it opens at its size; emptied after it is hidden, or the focus that was in it
    // would be nowhere by then, and not go back to the button.
    const filled = (event: Event): void => {
      if (stateAfter(event) === "open") setIsOpen(true);
    };
    const emptied = (event: Event): void => {
      if (stateAfter(event) === "closed") setIsOpen(false);
    };
    element.addEventListener("beforetoggle", filled);
    element.addEventListener("toggle", emptied);
    return () => {
      element.removeEventListener("beforetoggle", filled);
      element.removeEventListener("toggle", emptied);
    };
  }, []);
  return { ref, isOpen };
}

function stateAfter(event: Event): unknown {
  return "newState" in event ? event.newState : null;
}
