/** Leaving the page while the server has not said what became of a click: it waits in this page, and would go with it. */

import { useEffect } from "react";

import { useAgentState } from "./agent";

/** Let the browser ask before the page is left or loaded again, while anything waits. */
export function useLeaveWarning(): void {
  const isWaiting = useAgentState(({ operations }) => [...operations.values()].some(({ status }) => status === "running"));
  useEffect(() => {
    if (!isWaiting) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [isWaiting]);
}
