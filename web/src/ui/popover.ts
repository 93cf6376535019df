/** A native popover and whether it is open. The browser opens it at its button, closes it at Esc and at a click elsewhere. */

import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

interface Popover {
  readonly ref: RefObject<HTMLDivElement | null>;
  readonly isOpen: boolean;
  readonly show: () => void;
  readonly hide: () => void;
}

export function usePopover(): Popover {
  const ref = useRef<HTMLDivElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    // Before it is shown, so that it opens with its contents in it, at its size.
    const toggled = (event: Event): void => setIsOpen("newState" in event && event.newState === "open");
    element.addEventListener("beforetoggle", toggled);
    return () => element.removeEventListener("beforetoggle", toggled);
  }, []);
  const show = useCallback(() => ref.current?.showPopover(), []);
  const hide = useCallback(() => ref.current?.hidePopover(), []);
  return { ref, isOpen, show, hide };
}
