/** Pings of the page: they measure the round trip, and notice a dead connection in seconds where ICE takes thirty. */

const PERIOD_MS = 3_000;
const MISSES_MAX = 2;

export interface HeartbeatEvents {
  ping(id: string): void;
  measured(rttMs: number): void;
  /** The last ping is still unanswered, `silentMs` after the first such one was sent. */
  missed(silentMs: number): void;
  dead(): void;
}

export class Heartbeat {
  readonly #events: HeartbeatEvents;
  readonly #sentAt = new Map<string, number>(); // at most MISSES_MAX entries
  #count = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(events: HeartbeatEvents) {
    this.#events = events;
  }

  start(): void {
    this.#timer = setInterval(() => this.#beat(), PERIOD_MS);
    this.#beat();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#sentAt.clear();
  }

  /** A pong arrived; one that answers no ping of ours is ignored. */
  pong(ref: string): void {
    const sentAt = this.#sentAt.get(ref);
    if (sentAt === undefined) return;
    this.#sentAt.clear(); // the channel is ordered: earlier pings have been answered or never will be
    this.#events.measured(performance.now() - sentAt);
  }

  // Misses are counted in beats, not by the clock: a tab in the background beats less often, and that is not silence.
  #beat(): void {
    if (this.#sentAt.size >= MISSES_MAX) {
      this.stop();
      this.#events.dead();
      return;
    }
    const [unansweredSince] = this.#sentAt.values();
    if (unansweredSince !== undefined) this.#events.missed(performance.now() - unansweredSince);
    this.#count += 1;
    const id = `ping-${this.#count}`;
    this.#sentAt.set(id, performance.now());
    this.#events.ping(id);
  }
}
