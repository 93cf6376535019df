import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { HistoryPage } from "../src/connection/protocol";
import { askedFor, HISTORY_DUE, takePage, unanswered, type History } from "../src/store/history";
import { Kept } from "../src/store/kept";
import { addTurn, NO_TURNS, rejectTurn, retryOf, TURNS_MAX, type TurnLog } from "../src/store/turns";
import { ask } from "../src/store/queue";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle, type Page } from "./paired";
import { completed, FakeStorage, fromGateway, seeded } from "./samples";

interface Told {
  readonly seq: number;
  readonly turn_id: string;
  readonly text: string;
  readonly accepted_at: string;
  readonly completed: object | null;
}

function told(seq: number, more: object = {}): Told {
  const id = `t${String(seq).padStart(4, "0")}`;
  return { seq, turn_id: id, text: `request ${seq}`, accepted_at: "2026-11-22T12:00:00Z", completed: completed(id), ...more };
}

function page(ref: string, turns: readonly Told[], more = false): HistoryPage {
  const message = fromGateway({ type: "history.page", ref, turns, more });
  if (message.type !== "history.page") throw new Error("is no history.page");
  return message;
}

const asked = askedFor(HISTORY_DUE, "r1", null);
const ids = ({ turns }: TurnLog): string[] => turns.map(({ id }) => id);

describe("a page of history", () => {
  it("shows earlier turns with their ends, announces none of them, and is where older ones are asked for from", () => {
    const { log, history } = takePage(asked, NO_TURNS, page("r1", [told(8), told(5)], true));
    expect(log.turns).toMatchObject([
      { id: "t0005", text: "request 5", status: "completed" },
      { id: "t0008", status: "completed" },
    ]);
    expect(log.lastEnded).toBeNull();
    expect(history).toMatchObject({ status: "known", asked: null, oldest: 5, more: true });
  });

  it("doubles nothing that the page knows, and goes before what was asked after it", () => {
    let known = addTurn(NO_TURNS, "t0008", "request 8", { status: "accepted" });
    known = ask(known, "t0009", "mine");
    const { log, running } = takePage(asked, known, page("r1", [told(7), told(8), told(9)]));
    expect(ids(log)).toEqual(["t0007", "t0008", "t0009"]);
    expect(log.turns.map(({ status }) => status)).toEqual(["completed", "accepted", "queued"]);
    expect(running).toEqual([]);
  });

  it("goes between turns that a reload kept by the time of their making", () => {
    let known = rejectTurn(addTurn(NO_TURNS, "t0003", "not taken"), "t0003", { code: "internal", detail: "" });
    known = addTurn(known, "t0006", "running", { status: "accepted" });
    expect(ids(takePage(asked, known, page("r1", [told(2), told(4), told(6)])).log)).toEqual(["t0002", "t0003", "t0004", "t0006"]);
  });

  it("goes before what is queued, though that was made before it", () => {
    const known = addTurn(NO_TURNS, "t0003", "tried again", { status: "queued" });
    expect(ids(takePage(asked, known, page("r1", [told(2), told(4)])).log)).toEqual(["t0002", "t0004", "t0003"]);
  });

  it("tells the end of a turn that was given up, and which turns are under way that nobody waits for", () => {
    const silent = addTurn(NO_TURNS, "t0004", "request 4", { status: "silent" });
    const { log, running } = takePage(asked, silent, page("r1", [told(4), told(5, { completed: null })]));
    expect(log.turns.map(({ status }) => status)).toEqual(["completed", "accepted"]);
    expect(running.map(({ turn_id: id }) => id)).toEqual(["t0005"]);
  });

  it("says of a turn whose end is lost that it has ended, and does not wait for it", () => {
    const { log, running } = takePage(asked, NO_TURNS, page("r1", [told(4, { completed: null, outcome_lost: true })]));
    expect(log.turns).toMatchObject([{ status: "silent", problem: { detail: expect.stringContaining("cannot be read any more") as string } }]);
    expect(log.turns.map(retryOf)).toEqual([null]);
    expect(running).toEqual([]);
  });

  it("that was not asked for, or comes twice, changes nothing", () => {
    expect(takePage(asked, NO_TURNS, page("r9", [told(1)]))).toEqual({ history: asked, log: NO_TURNS, running: [] });
    const { log, history } = takePage(asked, NO_TURNS, page("r1", [told(1)]));
    expect(takePage(history, log, page("r1", [told(1)])).log).toBe(log);
  });

  it("of the newest turns, asked for again, keeps the place of the oldest, unless it does not reach what is known", () => {
    const { log, history } = takePage(asked, NO_TURNS, page("r1", [told(5), told(8)], true));
    const again = askedFor(history, "r2", null);
    expect(takePage(again, log, page("r2", [told(8), told(9)], true)).history).toMatchObject({ oldest: 5, more: true });
    expect(takePage(again, log, page("r2", [told(20), told(21)], true)).history).toMatchObject({ oldest: 20, more: true });
  });

  it("is cut where the page holds enough", () => {
    let full = NO_TURNS;
    for (let index = 0; index < TURNS_MAX - 1; index += 1) full = addTurn(full, `u${index}`, "x", { status: "completed" });
    const { log, history } = takePage(asked, full, page("r1", [told(1), told(2)], true));
    expect(ids(log).slice(0, 2)).toEqual(["t0002", "u0"]);
    expect(history.more).toBe(false);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed))("with others, in any order and overlapping, makes one log in order (seed %i)", (seed) => {
    const random = seeded(seed);
    const all = Array.from({ length: 60 }, (_, index) => told(index + 1));
    let log = NO_TURNS;
    // Some were asked on this page.
    for (const turn of all.slice(50)) if (random() < 0.5) log = addTurn(log, turn.turn_id, turn.text, { status: "accepted" });
    let history: History = HISTORY_DUE;
    for (let round = 0; round < 40; round += 1) {
      const before = random() < 0.3 ? null : history.oldest;
      const older = all.filter(({ seq }) => before === null || seq < before);
      const turns = older.slice(-1 - Math.floor(random() * 9));
      history = askedFor(history, `r${round}`, before);
      if (random() < 0.2) history = unanswered(history, random() < 0.5 ? "timeout" : null);
      const joined = takePage(history, log, page(`r${round}`, turns.toSorted(() => random() - 0.5), turns.length < older.length));
      ({ history, log } = joined);
      expect(ids(log)).toEqual([...new Set(ids(log))].toSorted());
    }
    while (history.more) {
      const older = all.filter(({ seq }) => seq < (history.oldest ?? Infinity));
      ({ history, log } = takePage(askedFor(history, "r", history.oldest), log, page("r", older.slice(-10), older.length > 10)));
    }
    expect(ids(log)).toEqual(all.map(({ turn_id: id }) => id));
  });
});

describe("a page that was loaded again", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function reloaded(storage: Storage): Promise<{ gateway: FakeGateway; page: Page }> {
    const gateway = new FakeGateway();
    const after = pageOf(gateway, { kept: new Kept(storage) });
    after.session.connect();
    await settle();
    return { gateway, page: after };
  }

  async function withHistory(): Promise<{ gateway: FakeGateway; page: Page; ref: string }> {
    const storage = new FakeStorage();
    const { page: first } = await connected({ kept: new Kept(storage) });
    first.session.close();
    const after = await reloaded(storage);
    return { ...after, ref: String(after.gateway.heardOf("history.get")[0]?.["id"]) };
  }

  it("asks for its session's turns, and then for older ones, when the person looks for them", async () => {
    const { gateway, page: after, ref } = await withHistory();
    expect(gateway.heardOf("history.get")).toMatchObject([{ before: null }]);
    gateway.tell({ type: "history.page", ref, turns: [told(5), told(6)], more: true });
    after.session.earlier();
    after.session.earlier();
    expect(gateway.heardOf("history.get").slice(1)).toMatchObject([{ before: 5 }]);
    gateway.tell({ type: "history.page", ref: gateway.heardOf("history.get")[1]?.["id"], turns: [told(4)], more: false });
    expect(after.state().log.turns.map(({ text }) => text)).toEqual(["request 4", "request 5", "request 6"]);
    after.session.earlier();
    expect(gateway.heardOf("history.get")).toHaveLength(2);
  });

  it("that has just begun a session asks for nothing", async () => {
    const { gateway } = await connected();
    expect(gateway.heardOf("history.get")).toEqual([]);
  });

  it("waits for the end of a turn that history shows as under way", async () => {
    const { gateway, page: after, ref } = await withHistory();
    gateway.tell({ type: "history.page", ref, turns: [told(5, { completed: null })] });
    expect(gateway.heardOf("turn.start")).toMatchObject([{ turn_id: "t0005", text: "request 5" }]);
    gateway.tell({ type: "turn.completed", turn: completed("t0005"), seq: 9 });
    expect(after.state().log.turns).toMatchObject([{ status: "completed" }]);
  });

  it("lives with a server that tells none, and says where an error is the reason", async () => {
    const { gateway, page: after, ref } = await withHistory();
    gateway.tell({ type: "error", code: "unavailable", detail: "the stream is away", ref });
    expect(after.state()).toMatchObject({ history: { status: "failed" }, notice: null });
    after.session.earlier();
    gateway.tell({ type: "error", code: "unsupported", ref: gateway.heardOf("history.get")[1]?.["id"] });
    expect(after.state()).toMatchObject({ history: { status: "unsupported", asked: null }, notice: null, log: { turns: [] } });
    after.session.earlier();
    expect(gateway.heardOf("history.get")).toHaveLength(2);
  });

  it("asks again over a channel that takes the place of the one that was asked", async () => {
    const { gateway, page: after, ref } = await withHistory();
    gateway.tell({ type: "history.page", ref, turns: [told(5)], more: true });
    after.session.earlier();
    gateway.tell({ type: "draining", retry_after_ms: 0 });
    await vi.advanceTimersByTimeAsync(500);
    expect(gateway.links).toHaveLength(2);
    const [, , again] = gateway.heardOf("history.get");
    gateway.tell({ type: "history.page", ref: again?.["id"] ?? "none", turns: [told(4)] });
    expect(after.state().log.turns.map(({ id }) => id)).toEqual(["t0004", "t0005"]);
  });

  it("asks again over the next channel, and gives up after ten seconds without an answer", async () => {
    const { gateway, page: after } = await withHistory();
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.heardOf("history.get")).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(after.state().history).toMatchObject({ status: "failed", asked: null });
    expect(gateway.heardOf("history.get")).toHaveLength(2);
  });

  it("looks for turns of its session that another page has asked meanwhile", async () => {
    const { gateway, page: after, ref } = await withHistory();
    gateway.tell({ type: "history.page", ref, turns: [told(5)] });
    gateway.tell({ type: "turn.completed", turn: completed("t0006"), seq: 9 });
    gateway.tell({ type: "history.page", ref: gateway.heardOf("history.get")[1]?.["id"], turns: [told(5), told(6)] });
    expect(after.state().log.turns.map(({ id }) => id)).toEqual(["t0005", "t0006"]);
  });

  it("asks for the newest once more where something is missed while another page of it is on its way", async () => {
    const { gateway, page: after, ref } = await withHistory();
    const asks = (): unknown[] => gateway.heardOf("history.get").map(({ before }) => before);
    const answer = (turns: readonly Told[], more = false): void =>
      gateway.tell({ type: "history.page", ref: gateway.heardOf("history.get").at(-1)?.["id"] ?? ref, turns, more });
    answer([told(5)], true);
    after.session.earlier();
    gateway.tell({ type: "turn.completed", turn: completed("t0006"), seq: 9 });
    gateway.tell({ type: "turn.completed", turn: completed("t0007"), seq: 10 });
    expect(asks()).toEqual([null, 5]);
    answer([told(4)]);
    expect(asks()).toEqual([null, 5, null]);
    // The answer may have been made before the end of this one.
    gateway.tell({ type: "turn.completed", turn: completed("t0008"), seq: 11 });
    answer([told(5), told(6), told(7)]);
    expect(asks()).toEqual([null, 5, null, null]);
    answer([told(7), told(8)]);
    expect(asks()).toHaveLength(4);
    expect(after.state().log.turns.map(({ id }) => id)).toEqual(["t0004", "t0005", "t0006", "t0007", "t0008"]);
  });

  it("still looks for what was missed after an error, and over the next channel", async () => {
    const { gateway, page: after, ref } = await withHistory();
    const asks = (): unknown[] => gateway.heardOf("history.get").map(({ before }) => before);
    gateway.tell({ type: "history.page", ref, turns: [told(5)], more: true });
    gateway.tell({ type: "turn.completed", turn: completed("t0006"), seq: 9 });
    gateway.tell({ type: "error", code: "unavailable", ref: gateway.heardOf("history.get").at(-1)?.["id"] });
    expect(asks()).toEqual([null, null]);
    after.session.earlier();
    expect(asks()).toEqual([null, null, null]);
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(asks()).toEqual([null, null, null, null]);
  });

  it("looks for what was missed though the older page that was on its way did not come, once", async () => {
    const { gateway, page: after, ref } = await withHistory();
    const asks = (): unknown[] => gateway.heardOf("history.get").map(({ before }) => before);
    const fail = (): void => gateway.tell({ type: "error", code: "unavailable", ref: gateway.heardOf("history.get").at(-1)?.["id"] });
    gateway.tell({ type: "history.page", ref, turns: [told(5)], more: true });
    after.session.earlier();
    gateway.tell({ type: "turn.completed", turn: completed("t0006"), seq: 9 });
    fail();
    expect(asks()).toEqual([null, 5, null]);
    fail();
    expect(asks()).toHaveLength(3);
    expect(after.state().history.status).toBe("failed");
  });

  it("in which somebody else is signed in shows nothing of the one before's history", async () => {
    const storage = new FakeStorage();
    const { page: first } = await connected({ kept: new Kept(storage) });
    first.session.close();
    const eves = new FakeGateway();
    Object.assign(eves, { owner: "Eve", resumes: false });
    const after = pageOf(eves, { kept: new Kept(storage) });
    after.session.connect();
    await settle();
    const [message] = eves.heardOf("history.get");
    eves.tell({ type: "history.page", ref: message?.["id"] ?? "none", turns: [] });
    expect(after.state()).toMatchObject({ log: { turns: [] }, history: { status: "none" } });
  });
});
