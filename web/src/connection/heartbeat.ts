/** Pings of the page: they measure the round trip, and notice a dead connection in seconds where ICE takes thirty. */

const PERIOD_MS = 3_000;
const MISSES_MAX = 2;
const PROBE_MS = 2_000;

export interface HeartbeatEvents {
  ping(id: string): void;
  measured(rttMs: number): void;
  /** The last ping is still unanswered, `silentMs` after the first such one was sent. */
  missed(silentMs: number): void;
  dead(): void;
}

export class Heartbeat {
  readonly #events: HeartbeatEvents;
  readonly #sentAt = new Map<string, number>(); // unanswered, in order; at most MISSES_MAX and a probe
  #count = 0;
  #beatAt = 0; // by the clock on the wall, which goes on while a machine sleeps
  #timer: ReturnType<typeof setInterval> | undefined;
  #probe: { readonly id: string; readonly due: ReturnType<typeof setTimeout> } | null = null;

  constructor(events: HeartbeatEvents) {
    this.#events = events;
  }

  start(): void {
    this.#beatAt = Date.now();
    this.#timer = setInterval(() => this.#beat(), PERIOD_MS);
    this.#ping();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    clearTimeout(this.#probe?.due);
    this.#probe = null;
    this.#sentAt.clear();
  }

  /** Ask now, and take no answer within PROBE_MS for an end: the network has changed, or time has passed us by. */
  probe(): void {
    if (this.#timer === undefined || this.#probe !== null) return;
    this.#probe = { id: this.#nextId(), due: setTimeout(() => this.#die(), PROBE_MS) };
    this.#ping();
  }

  /** The page is looked at again: ask at once if it was not running meanwhile. */
  woke(): void {
    if (Date.now() - this.#beatAt > PERIOD_MS + PROBE_MS) this.probe();
  }

  /** A pong arrived; one that answers no ping of ours is ignored. */
  pong(ref: string): void {
    const sentAt = this.#sentAt.get(ref);
    if (sentAt === undefined) return;
    // The channel is ordered: earlier pings have been answered or never will be.
    for (const id of this.#sentAt.keys()) {
      this.#sentAt.delete(id);
      if (id === this.#probe?.id) {
        clearTimeout(this.#probe.due);
        this.#probe = null;
      }
      if (id === ref) break;
    }
    this.#events.measured(performance.now() - sentAt);
  }

  // Misses are counted in beats, not by the clock: a tab in the background beats less often, and that is not silence.
  #beat(): void {
    const slept = Date.now() - this.#beatAt > 2 * PERIOD_MS;
    this.#beatAt = Date.now();
    if (this.#probe !== null) return; // it decides within PROBE_MS
    if (slept) {
      this.probe();
      return;
    }
    if (this.#sentAt.size >= MISSES_MAX) {
      this.#die();
      return;
    }
    const [unansweredSince] = this.#sentAt.values();
    if (unansweredSince !== undefined) this.#events.missed(performance.now() - unansweredSince);
    this.#ping();
  }

  #die(): void {
    this.stop();
    this.#events.dead();
  }

  #nextId(): string {
    return `ping-${this.#count + 1}`;
  }

  #ping(): void {
    const id = this.#nextId();
    this.#count += 1;
    this.#sentAt.set(id, performance.now());
    this.#events.ping(id);
  }
}
