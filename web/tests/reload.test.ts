import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { SessionLock } from "../src/connection/session_lock";
import { Kept } from "../src/store/kept";
import { stepsOf } from "../src/store/rail";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle, type Page } from "./paired";
import { completed, FakeStorage } from "./samples";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The page as it is after a reload, over the same storage. */
async function reloaded(storage: Storage, gateway = new FakeGateway()): Promise<{ page: Page; gateway: FakeGateway }> {
  const page = pageOf(gateway, { kept: new Kept(storage) });
  page.session.connect();
  await settle();
  return { page, gateway };
}

describe("a reload", () => {
  it("goes on with the session, behind the events that were told", async () => {
    const storage = new FakeStorage();
    const { gateway, page } = await connected({ kept: new Kept(storage) });
    gateway.tell({ type: "session.current", seen: { chat: 7, out: 9 } });
    gateway.tell({ type: "turn.completed", turn: completed("t1"), seq: 8 });
    page.session.close();
    const after = await reloaded(storage);
    expect(after.gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-1", last_seen: { chat: 8, out: 9 } });
    after.gateway.tell({ type: "turn.completed", turn: completed("t1"), seq: 9 });
    expect(after.page.state()).toMatchObject({ log: { turns: [] }, notice: null });
  });

  it("loses no request: each is shown as it stands, asked for again under its id, and gets its outcome once", async () => {
    const storage = new FakeStorage();
    const { gateway, page } = await connected({ kept: new Kept(storage) });
    for (const text of ["one", "two", "three", "four"]) page.session.send(text);
    const [one = "", two = "", three = "", four = ""] = page.state().log.turns.map(({ id }) => id);
    gateway.tell({ type: "turn.completed", turn: completed(one), seq: 5 });
    gateway.tell({ type: "turn.rejected", turn_id: two, code: "internal", detail: "went wrong" });
    page.session.goOn();
    gateway.tell({ type: "turn.accepted", ref: three, turn_id: three });
    page.session.close();

    const after = await reloaded(storage);
    const shown = (): unknown => after.page.state().log.turns.map(({ text, status }) => [text, status]);
    expect(shown()).toEqual([["two", "rejected"], ["three", "accepted"], ["four", "queued"]]);
    expect(after.page.state().log.turns[0]?.problem).toEqual({ code: "internal", detail: "went wrong" });
    expect(after.gateway.heardOf("turn.start")).toMatchObject([{ turn_id: three, text: "three" }]);
    after.gateway.tell({ type: "turn.accepted", ref: three, turn_id: three });
    after.gateway.tell({ type: "turn.completed", turn: completed(three), seq: 6, ref: three });
    after.gateway.tell({ type: "turn.completed", turn: completed(three, { text: "Something else." }), seq: 7 });
    expect(after.page.state().log.turns[1]).toMatchObject({ status: "completed", completed: { text: "Two items." } });
    expect(after.gateway.heardOf("turn.start").at(-1)).toMatchObject({ turn_id: four, text: "four" });
    after.page.session.sendAgain(two);
    expect(shown()).toEqual([["three", "completed"], ["four", "sending"], ["two", "queued"]]);

    expect((await reloaded(storage)).page.state().log.turns.map(({ text }) => text)).toEqual(["four", "two"]);
  });

  it("shows a turn that was accepted before with what it hears of it afterwards", async () => {
    const storage = new FakeStorage();
    const { gateway, page } = await connected({ kept: new Kept(storage) });
    page.session.send("one");
    const [{ id } = { id: "" }] = page.state().log.turns;
    gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    const after = await reloaded(storage);
    after.gateway.tell({ type: "turn.rejected", turn_id: id, code: "invalid", detail: "no" });
    expect(after.page.state().log.turns).toMatchObject([{ status: "accepted", problem: { code: "invalid" } }]);
    after.gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(after.gateway.heardOf("turn.start")).toHaveLength(2);
    after.gateway.tell({ type: "turn.phase", turn_id: id, phase: "confirm", attempt: 1, elapsed_ms: 9, seq: 5 });
    const [turn] = after.page.state().log.turns;
    expect(turn && stepsOf(turn).map(({ state }) => state)).toEqual(["done", "done", "running"]);
    after.gateway.tell({ type: "turn.completed", turn: completed(id), seq: 6 });
    expect(after.page.state().log.turns).toMatchObject([{ status: "completed" }]);
  });

  it("does not take a refusal of a request that was sent before it for the end", async () => {
    const storage = new FakeStorage();
    const { page } = await connected({ kept: new Kept(storage) });
    page.session.send("add milk");
    page.session.close();
    const after = await reloaded(storage);
    const [{ id } = { id: "" }] = after.page.state().log.turns;
    after.gateway.tell({ type: "turn.rejected", turn_id: id, code: "invalid", detail: "no" });
    expect(after.page.state().log).toMatchObject({ turns: [{ status: "sending" }], putBack: null });
  });

  it("gives the draft back", () => {
    const storage = new FakeStorage();
    pageOf(new FakeGateway(), { kept: new Kept(storage) }).session.keepDraft("buy mi");
    expect(pageOf(new FakeGateway(), { kept: new Kept(storage) }).state().draft).toBe("buy mi");
  });
});

describe("another person's sign-in", () => {
  it("in the same tab sends nothing that the one before asked: it is shown as not sent, after another reload too", async () => {
    const storage = new FakeStorage();
    const { gateway, page } = await connected({ kept: new Kept(storage) });
    page.session.send("stored");
    page.session.send("on its way");
    const [{ id } = { id: "" }] = page.state().log.turns;
    gateway.tell({ type: "turn.accepted", ref: id, turn_id: id });
    gateway.tell({ type: "session.current", seen: { chat: 7, out: 9 } });
    page.session.close();

    const eves = new FakeGateway();
    Object.assign(eves, { owner: "Eve", resumes: false });
    const after = await reloaded(storage, eves);
    expect(eves.heardOf("turn.start")).toEqual([]);
    expect(after.page.state().log).toMatchObject({
      turns: [
        { text: "stored", status: "silent" },
        { text: "on its way", status: "rejected", problem: { code: "unauthorised" } },
      ],
      putBack: null,
    });
    after.page.session.send("Eve's own");
    expect(eves.heardOf("turn.start")).toMatchObject([{ text: "Eve's own" }]);

    eves.resumes = true;
    await reloaded(storage, eves);
    expect(eves.link.hello).toMatchObject({ last_seen: { chat: 0, out: 0 } });
    expect(eves.heardOf("turn.start").map(({ text }) => text)).toEqual(["Eve's own", "Eve's own"]);
  });

  it("is noticed though its first attempt got no channel", async () => {
    const storage = new FakeStorage();
    const { page } = await connected({ kept: new Kept(storage) });
    page.session.send("add milk");
    page.session.close();
    const eves = new FakeGateway({ friendly: false });
    Object.assign(eves, { owner: "Eve", resumes: false });
    const first = await reloaded(storage, eves);
    eves.link.socket.open();
    eves.link.signal(eves.ready());
    first.page.session.close();
    Object.assign(eves, { friendly: true, resumes: true });
    const second = await reloaded(storage, eves);
    expect(second.page.state().connection.name).toBe("connected");
    expect(eves.heardOf("turn.start")).toEqual([]);
  });

  it("after a refusal leaves the one before's lists and requests behind", async () => {
    const { gateway, page } = await connected();
    gateway.tell({ type: "error", code: "unauthorised", detail: "has expired", final: true });
    page.session.send("add milk");
    Object.assign(gateway, { owner: "Eve", resumes: false });
    page.session.signIn("eve");
    await settle();
    expect(page.state()).toMatchObject({ connection: { name: "connected" }, log: { turns: [{ status: "rejected" }] } });
    expect(gateway.heardOf("turn.start")).toEqual([]);
  });
});

describe("the tab's storage", () => {
  const names = ["session", "turns", "draft", "token"].map((name) => `todo-agent.${name}`);

  it.each([["{"], ["null"], ["7"], ['{"session":"../x","token":null,"seen":{}}'], ['[{"id":"t 1"}]'], ['"x"']])(
    "may hold %s: then nothing is restored of it, and the page connects",
    async (garbage) => {
      const storage = new FakeStorage();
      for (const name of names) storage.setItem(name, name.endsWith("draft") || name.endsWith("token") ? "{" : garbage);
      const { page, gateway } = await reloaded(storage);
      expect(page.state()).toMatchObject({ connection: { name: "connected" }, log: { turns: [] }, draft: "" });
      expect(gateway.link.hello).toMatchObject({ session: null, token: null });
    },
  );

  it("may hold a turn that is no turn beside one that is", async () => {
    const storage = new FakeStorage();
    const good = { id: "t1", text: "add milk", status: "sending", problem: null };
    storage.setItem("todo-agent.turns", JSON.stringify([{ id: "no id!" }, good, { ...good, id: "t2", text: "x".repeat(9_000) }]));
    const { page } = await reloaded(storage);
    expect(page.state().log.turns.map(({ id }) => id)).toEqual(["t1"]);
  });

  it.each([
    ["is absent", null],
    ["is full", new FakeStorage({ full: true })],
    ["may not be used", new FakeStorage({ forbidden: true })],
  ])("%s: the page works without it", async (_, storage) => {
    const { gateway, page } = await connected({ kept: new Kept(storage) });
    page.session.keepDraft("buy");
    page.session.send("add milk");
    expect(gateway.heardOf("turn.start")).toHaveLength(1);
  });

  it("holds no more than it must: 64 turns, of which rejected ones make room, and 64 Ki characters of a draft", () => {
    const storage = new FakeStorage();
    const { session } = pageOf(new FakeGateway({ friendly: false }), { kept: new Kept(storage) });
    session.keepDraft("x".repeat(100_000));
    for (let index = 0; index < 70; index += 1) session.send(`request ${index}`);
    expect(new Kept(storage).draft).toHaveLength(65_536);
    const turns = new Kept(storage).turns.map(({ text }) => text);
    expect(turns).toHaveLength(64);
    const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `request ${from + index}`);
    expect(turns).toEqual(["request 0", ...numbers(39, 70), ...numbers(1, 33)]);
  });
});

describe("the lock of a session", () => {
  it("keeps a duplicated tab from taking it: that one begins its own, without the other's requests, with the draft", async () => {
    const locks = new FakeLocks();
    const storage = new FakeStorage();
    const first = await connected({ kept: new Kept(storage), lock: new SessionLock(locks) });
    first.page.session.send("add milk");
    first.page.session.keepDraft("and eg");

    const gateway = new FakeGateway();
    const copy = pageOf(gateway, { kept: new Kept(storage.copy()), lock: new SessionLock(locks) });
    copy.session.connect();
    await vi.advanceTimersByTimeAsync(999);
    expect(gateway.links).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(gateway.link.hello).toMatchObject({ session: null, resume_token: null, last_seen: null });
    expect(copy.state()).toMatchObject({ connection: { name: "connected" }, log: { turns: [] }, draft: "and eg" });
    expect(gateway.heardOf("turn.start")).toEqual([]);
    copy.session.send("add tea");
    expect(gateway.heardOf("turn.start")).toMatchObject([{ text: "add tea" }]);
  });

  it("of a page that is being left is waited for, so that a reload keeps its session", async () => {
    const locks = new FakeLocks();
    const storage = new FakeStorage();
    const first = await connected({ kept: new Kept(storage), lock: new SessionLock(locks) });
    first.page.session.send("add milk");
    const gateway = new FakeGateway();
    const next = pageOf(gateway, { kept: new Kept(storage), lock: new SessionLock(locks) });
    next.session.connect();
    await vi.advanceTimersByTimeAsync(500);
    expect(gateway.links).toHaveLength(0);
    first.page.session.close();
    await settle();
    expect(gateway.link.hello).toMatchObject({ session: "s1", resume_token: "resume-1" });
    expect(gateway.heardOf("turn.start")).toMatchObject([{ text: "add milk" }]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(next.state().connection.name).toBe("connected");
  });

  it("is claimed again by a page that comes back", async () => {
    const locks = new FakeLocks();
    const { gateway, page } = await connected({ lock: new SessionLock(locks) });
    expect(locks.held()).toEqual(["todo-agent.session.s1"]);
    page.session.close();
    await settle();
    expect(locks.held()).toEqual([]);
    page.session.connect();
    await settle();
    expect(gateway.link.hello).toMatchObject({ session: "s1" });
    expect(locks.held()).toEqual(["todo-agent.session.s1"]);
  });

  it("does not connect a page that was left while it waited", async () => {
    const locks = new FakeLocks();
    const storage = new FakeStorage();
    await connected({ kept: new Kept(storage), lock: new SessionLock(locks) });
    const gateway = new FakeGateway();
    const page = pageOf(gateway, { kept: new Kept(storage), lock: new SessionLock(locks) });
    page.session.connect();
    page.session.close();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(gateway.links).toHaveLength(0);
  });

  it("is done without where locks are not allowed", async () => {
    const storage = new FakeStorage();
    await connected({ kept: new Kept(storage) });
    const refusing = { request: () => Promise.reject(new DOMException("no", "SecurityError")) };
    const gateway = new FakeGateway();
    const page = pageOf(gateway, { kept: new Kept(storage), lock: new SessionLock(refusing) });
    page.session.connect();
    await settle();
    expect(gateway.link.hello).toMatchObject({ session: "s1" });
  });
});

/** Exclusive locks as browsers have them, in memory, for the calls that the page makes. */
class FakeLocks {
  readonly #queues = new Map<string, (() => void)[]>();

  held(): string[] {
    return [...this.#queues.keys()];
  }

  readonly request = (async (name: string, { signal }: { signal: AbortSignal }, hold: () => Promise<void>): Promise<void> => {
    const queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, []);
    else {
      await new Promise<void>((granted, refused) => {
        queue.push(granted);
        signal.addEventListener("abort", () => {
          const place = queue.indexOf(granted);
          if (place >= 0) queue.splice(place, 1);
          refused(new DOMException("aborted", "AbortError"));
        });
      });
    }
    try {
      await hold();
    } finally {
      const next = this.#queues.get(name)?.shift();
      if (next === undefined) this.#queues.delete(name);
      else next();
    }
  }) as LockManager["request"];
}
