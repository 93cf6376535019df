/**
 * Which page a session belongs to. A duplicated tab has a copy of what the first one keeps, and must not take its session.
 *
 * Held by a Web Lock, which ends with the page. Without Web Locks (an insecure context) every claim is granted.
 */

// A page that is being left may hold its lock for a moment yet, and a reload must not lose its session to it.
const PATIENCE_MS = 1_000;

export class SessionLock {
  readonly #locks: Pick<LockManager, "request"> | null;
  #session: string | null = null;
  #end: () => void = () => {};

  constructor(locks: Pick<LockManager, "request"> | null) {
    this.#locks = locks;
  }

  /** Whether a claim would be granted at once, since it has been already. */
  isHeld(session: string): boolean {
    return this.#locks === null || this.#session === session;
  }

  /** Claim a session, and let go of the one before. @returns false where another page has it */
  claim(session: string): Promise<boolean> {
    const locks = this.#locks;
    if (locks === null || this.isHeld(session)) return Promise.resolve(true);
    this.release();
    this.#session = session;
    return new Promise((granted) => {
      const waiting = new AbortController();
      const patience = setTimeout(() => waiting.abort(), PATIENCE_MS);
      const hold = (): Promise<void> => {
        clearTimeout(patience);
        granted(true);
        return new Promise((end) => (this.#end = end));
      };
      this.#end = () => waiting.abort();
      locks.request(`todo-agent.session.${session}`, { signal: waiting.signal }, hold).catch((error: unknown) => {
        clearTimeout(patience);
        const isTaken = error instanceof DOMException && error.name === "AbortError";
        if (isTaken && this.#session === session) this.#session = null;
        granted(!isTaken); // where locks are not allowed, it is as if there were none
      });
    });
  }

  /** Let go of the session, or of the wait for it. */
  release(): void {
    this.#session = null;
    this.#end();
    this.#end = () => {};
  }
}
