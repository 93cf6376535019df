/** Tells that a sign-in is about to end: five minutes before, and again one minute before. */

const MINUTE_MS = 60_000;
const NOTICES_MS: readonly number[] = [5 * MINUTE_MS, MINUTE_MS];
const TIMER_MAX_MS = 2 ** 31 - 1; // a longer one would fire at once

export class Expiry {
  readonly #tell: (minutes: number | null) => void;
  #at: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param tell is called with the minutes that are left, rounded, and with null when that is no longer so */
  constructor(tell: (minutes: number | null) => void) {
    this.#tell = tell;
  }

  /** The sign-in in use ends `at` this ISO time; null: never. */
  set(at: string | null): void {
    if (at === this.#at) return;
    this.#at = at;
    this.#tell(null);
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (this.#at === null) return;
    const leftMs = Date.parse(this.#at) - Date.now();
    if (NOTICES_MS.some((noticeMs) => leftMs <= noticeMs)) this.#tell(Math.max(1, Math.round(leftMs / MINUTE_MS)));
    const next = NOTICES_MS.find((noticeMs) => leftMs > noticeMs);
    if (next !== undefined) this.#timer = setTimeout(() => this.#wait(), Math.min(TIMER_MAX_MS, leftMs - next));
  }
}
