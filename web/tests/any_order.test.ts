import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { AgentConnection, type ConnectionListener } from "../src/connection/client";
import type { JsonObject } from "../src/connection/frames";
import type { FromGateway, Seen } from "../src/connection/protocol";
import type { Resume } from "../src/connection/resume";
import { Kept } from "../src/store/kept";
import { FakeGateway, type Link } from "./fake_gateway";
import { pageOf, type Page } from "./paired";
import { completed, FakeStorage, seeded } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A page, a server that fails in every way, and a person who types and reloads. What is promised is looked at after each step. */
class World {
  readonly gateway = new FakeGateway();
  readonly storage = new FakeStorage();
  readonly broken: string[] = [];
  readonly typed: string[] = [];
  /** By the id of the turn, how often its end was shown by a page as news. */
  readonly ends = new Map<string, number>();
  page: Page;
  readonly #random: () => number;
  readonly #acts: readonly (() => void)[] = [
    () => this.#type(),
    () => this.#type(),
    () => this.#answer(),
    () => this.#answer(),
    () => this.#wait(),
    () => this.#lose(),
    () => this.#drain(),
    () => this.#refuse(),
    () => this.#reload(),
    () => this.#mood(),
  ];
  #seq = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.page = this.#load();
  }

  async step(): Promise<void> {
    const { [Math.floor(this.#random() * this.#acts.length)]: act } = this.#acts;
    act?.();
    await vi.advanceTimersByTimeAsync(this.#random() * 2_000);
    this.#look();
  }

  /** Everything works again, and the person asks for it where they have to. */
  async calm(): Promise<void> {
    Object.assign(this.gateway, { friendly: true, resumes: true, answersPings: true });
    for (let round = 0; round < 20; round += 1) {
      for (const link of this.#links()) link.tell({ type: "ping", id: "x" });
      if (this.page.state().connection.name === "failed") this.page.session.connect();
      await vi.advanceTimersByTimeAsync(20_000);
      this.#answerAll();
    }
    this.#look();
  }

  #load(): Page {
    const page = pageOf(this.gateway, { kept: new Kept(this.storage), chance: this.#random });
    page.session.connect();
    return page;
  }

  #links(): Link[] {
    return this.gateway.links.filter((link) => link.isOpen);
  }

  #type(): void {
    const text = `request ${this.typed.length}`;
    this.page.session.send(text);
    this.typed.push(text);
  }

  #answer(): void {
    const starts = this.gateway.heardOf("turn.start");
    const start = starts[Math.floor(this.#random() * starts.length)];
    if (start !== undefined) this.#end(String(start["turn_id"]));
  }

  #answerAll(): void {
    for (const { id, status } of this.page.state().log.turns) if (status !== "completed") this.#end(id);
  }

  #end(id: string): void {
    if (!this.gateway.heardOf("turn.start").some((heard) => heard["turn_id"] === id)) return;
    const before = this.page.state().log;
    this.#seq += 1;
    for (const link of this.#links()) {
      link.tell({ type: "turn.accepted", ref: id, turn_id: id });
      link.tell({ type: "turn.completed", turn: completed(id), seq: this.#seq });
    }
    const was = before.turns.find((turn) => turn.id === id)?.status;
    const is = this.page.state().log.turns.find((turn) => turn.id === id)?.status;
    if (was !== "completed" && is === "completed") this.ends.set(id, (this.ends.get(id) ?? 0) + 1);
  }

  #wait(): void {
    vi.advanceTimersByTime(this.#random() * 15_000);
  }

  #lose(): void {
    const link = this.gateway.links.at(-1 - Math.floor(this.#random() * 2));
    if (link?.isOpen === true && this.#random() < 0.7) link.channel.close();
    else link?.socket.close();
  }

  #drain(): void {
    this.#links().at(-1)?.tell({ type: "draining", retry_after_ms: this.#random() * 3_000 });
  }

  #refuse(): void {
    const link = this.gateway.links.at(-1 - Math.floor(this.#random() * 2));
    const error = { type: "error", code: "superseded", detail: "another tab", final: true };
    if (link?.isOpen === true) link.tell(error);
    else if (link?.socket.readyState === 1) link.signal(error);
  }

  #reload(): void {
    this.page.session.close();
    this.page = this.#load();
  }

  #mood(): void {
    this.gateway.friendly = this.#random() < 0.6;
    this.gateway.resumes = this.#random() < 0.8;
    this.gateway.answersPings = this.#random() < 0.8;
    if (this.#random() < 0.5 && this.page.state().connection.name === "failed") this.page.session.connect();
  }

  #look(): void {
    const { connection, log } = this.page.state();
    const trying = this.gateway.links.filter((link) => link.socket.readyState < 2 && !link.isOpen);
    if (trying.length > 1) this.broken.push(`${trying.length} attempts are being made`);
    if (this.#links().length > 2) this.broken.push("more than an old and a new channel are open");
    if (this.#links().length === 2 && connection.name !== "connected") this.broken.push("two channels and no state of it");
    if (connection.name === "failed" && trying.length + this.#links().length > 0) this.broken.push("goes on after its end");
    const shown = new Set(log.turns.map(({ text }) => text));
    for (const text of this.typed) if (!shown.has(text) && !this.#isEnded(text)) this.broken.push(`${text} is lost`);
  }

  #isEnded(text: string): boolean {
    return this.gateway.heardOf("turn.start").some((heard) => heard["text"] === text && this.ends.has(String(heard["turn_id"])));
  }
}

describe("whatever happens, in any order", () => {
  it.each(Array.from({ length: 25 }, (_, seed) => seed))("no request is lost or doubled, and one attempt is made at a time (seed %i)", async (seed) => {
    const world = new World(seed);
    for (let step = 0; step < 60; step += 1) await world.step();
    await world.calm();
    expect(world.broken).toEqual([]);
    expect(world.page.state().connection.name).toBe("connected");
    expect(world.page.state().log.turns.filter(({ status }) => status !== "completed")).toEqual([]);
    expect([...world.ends.values()].filter((times) => times !== 1)).toEqual([]);
    expect(world.ends.size).toBe(world.typed.length);
    const ids = new Map(world.gateway.heardOf("turn.start").map((heard) => [heard["text"], heard["turn_id"]]));
    const sent = world.gateway.heardOf("turn.start").filter((heard) => ids.get(heard["text"]) !== heard["turn_id"]);
    expect(sent).toEqual([]);
  });
});

const SILENT: ConnectionListener = {
  state: () => {},
  resume: () => {},
  ownerChanged: () => {},
  opened: () => {},
  path: () => {},
  message: () => {},
  problem: () => {},
  sent: () => {},
  notStopped: () => {},
  doubted: () => {},
  silent: () => {},
  operationDoubted: () => {},
  operationFailed: () => {},
  token: () => {},
  tokenExpires: () => {},
  tokenDoubted: () => {},
};

/** A gateway that keeps a log of two streams: it tells every open channel, replays behind `last_seen`, and repeats itself. */
class LoggingWorld {
  readonly gateway = new FakeGateway();
  readonly told: Record<keyof Seen, number[]> = { chat: [], out: [] };
  readonly heard: Record<keyof Seen, number[]> = { chat: [], out: [] };
  repeats = 0;
  readonly #random: () => number;
  readonly #log: JsonObject[] = [];
  #resume: Resume | null = null;
  #connection: AgentConnection;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.gateway.opened = (link) => this.#replay(link);
    this.#connection = this.#load();
  }

  async step(): Promise<void> {
    const act = this.#random();
    if (act < 0.5) this.#happen();
    else if (act < 0.65) this.#repeat();
    else if (act < 0.75) this.#open().at(-1)?.channel.close();
    else if (act < 0.9) this.#open().at(-1)?.tell({ type: "draining", retry_after_ms: this.#random() * 500 });
    else if (act < 0.95) this.#reload();
    await vi.advanceTimersByTimeAsync(this.#random() * 800);
  }

  async calm(): Promise<void> {
    await vi.advanceTimersByTimeAsync(20_000);
  }

  #load(): AgentConnection {
    const connection = new AgentConnection(
      { platform: this.gateway.platform(), timeZone: "UTC", chance: this.#random, resume: this.#resume },
      { ...SILENT, resume: (resume) => (this.#resume = resume), message: (message) => this.#hear(message) },
    );
    connection.connect();
    return connection;
  }

  #reload(): void {
    this.#connection.close();
    this.#connection = this.#load();
  }

  #hear(message: FromGateway): void {
    if (message.type === "turn.completed" && message.seq !== null) this.heard.chat.push(message.seq);
    if (message.type === "turn.phase" && message.seq !== null) this.heard.out.push(message.seq);
  }

  #open(): Link[] {
    return this.gateway.links.filter((link) => link.isOpen);
  }

  #happen(): void {
    const stream = this.#random() < 0.5 ? "chat" : "out";
    const seq = (this.told[stream].at(-1) ?? 0) + 1 + Math.floor(this.#random() * 3);
    this.told[stream].push(seq);
    const event =
      stream === "chat"
        ? { type: "turn.completed", turn: completed("t1"), seq }
        : { type: "turn.phase", turn_id: "t1", phase: "plan", attempt: 1, elapsed_ms: 1, seq };
    this.#log.push(event);
    for (const link of this.#open()) link.tell(event);
  }

  // What was told on this channel already; the newest event of the other stream may come again after it.
  #repeat(): void {
    const [event] = this.#log.slice(-1 - Math.floor(this.#random() * 4));
    if (event === undefined) return;
    for (const link of this.#open()) {
      this.repeats += 1;
      link.tell(event);
    }
  }

  #replay(link: Link): void {
    const seen = (link.hello["last_seen"] ?? { chat: 0, out: 0 }) as Seen;
    const missed = this.#log.filter(({ type, seq }) => Number(seq) > seen[type === "turn.completed" ? "chat" : "out"]);
    for (const event of missed) link.tell(event);
    const last: Seen = { chat: this.told.chat.at(-1) ?? 0, out: this.told.out.at(-1) ?? 0 };
    link.tell({ type: "session.current", seen: last, replayed: missed.length });
  }
}

describe("events of a session", () => {
  it.each(Array.from({ length: 15 }, (_, seed) => seed))("reach the page once each and in order, whatever the channels do (seed %i)", async (seed) => {
    const world = new LoggingWorld(seed);
    for (let step = 0; step < 80; step += 1) await world.step();
    await world.calm();
    expect(world.heard).toEqual(world.told);
    expect(world.repeats).toBeGreaterThan(0);
    expect(world.gateway.links.length).toBeGreaterThan(5);
  });
});
