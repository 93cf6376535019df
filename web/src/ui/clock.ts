/** Time as it passes, for what counts down. */

import { useCallback, useSyncExternalStore } from "react";

function secondsUntil(moment: number): number {
  return Math.max(0, Math.ceil((moment - Date.now()) / 1000));
}

/** Whole seconds until a moment by the clock on the wall, rounded up, told anew each second; null without a moment. */
export function useSecondsUntil(moment: number | null): number | null {
  const eachSecond = useCallback(
    (tell: () => void) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const next = (): void => {
        const leftMs = (moment ?? 0) - Date.now();
        if (leftMs > 0) timer = setTimeout(tick, leftMs % 1000 || 1000);
      };
      const tick = (): void => {
        tell();
        next();
      };
      next();
      return () => clearTimeout(timer);
    },
    [moment],
  );
  return useSyncExternalStore(eachSecond, () => (moment === null ? null : secondsUntil(moment)));
}
