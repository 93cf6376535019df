import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

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
