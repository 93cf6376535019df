import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { OperationsCompleted } from "../src/connection/protocol";
import type { OperationState } from "../src/store/operations";
import { pendingOperations } from "../src/store/overlay";
import { UNCHECKED } from "../src/store/runs";
import { clickWords } from "../src/ui/click_words";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle, type Page } from "./paired";
import { entry, fromGateway, stateList, todoItem, todoList } from "./samples";

const TICK = { op: "complete_item", item_id: "i1" } as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function result(operationId: string, more: object = {}): OperationsCompleted {
  const message = fromGateway({
    type: "op.completed",
    ref: operationId,
    result: { operation_id: operationId, outcome: "confirmed", text: "Done.", receipt: { verdict: "confirmed" }, ...more },
  });
  if (message.type !== "op.completed") throw new Error("is no op.completed");
  return message.result;
}

function answer(gateway: FakeGateway, operationId: string, more: object = {}): void {
  gateway.tell({ type: "op.completed", ref: operationId, result: result(operationId, more) });
}

function asked(gateway: FakeGateway): unknown[] {
  return gateway.heardOf("op.run").map((message) => message["operation_id"]);
}

function stateOf(page: Page, id: string): OperationState | undefined {
  return page.state().operations.get(id);
}

describe("a click", () => {
  it("goes out under an id of the page's own, and ends with the server's result", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    expect(gateway.heardOf("op.run")).toMatchObject([
      { id, operation_id: id, operations: [TICK], expected_revision: null },
    ]);
    expect(gateway.heardOf("op.run")[0]?.["traceparent"]).toMatch(/^00-/);
    expect(stateOf(page, id)).toMatchObject({ status: "running", problem: null });
    answer(gateway, id);
    expect(stateOf(page, id)).toMatchObject({ status: "completed", result: { outcome: "confirmed" } });
  });

  it("waits for the one before it: it may rely on it", async () => {
    const { gateway, page } = await connected();
    const first = page.session.run([TICK]);
    const second = page.session.run([{ ...TICK, done: false }]);
    expect(asked(gateway)).toEqual([first]);
    answer(gateway, first, { outcome: "refused" });
    expect(asked(gateway)).toEqual([first, second]);
  });

  it("made without a connection goes out when there is one", async () => {
    const gateway = new FakeGateway();
    const page = pageOf(gateway);
    const id = page.session.run([TICK]);
    page.session.connect();
    await settle();
    expect(asked(gateway)).toEqual([id]);
  });

  it("whose channel was lost is asked for again under its id", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(asked(gateway)).toEqual([id, id]);
    answer(gateway, id, { outcome: "already_so" });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(asked(gateway)).toHaveLength(2);
  });

  it.each(["timeout", "rate", "overloaded", "unavailable", "fenced"])("that met the error %s is asked for again, later each time", async (code) => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    gateway.tell({ type: "error", code, ref: id, detail: "not now" });
    expect(stateOf(page, id)).toMatchObject({ status: "running", problem: { code } });
    expect(page.state().notice).toBeNull();
    await vi.advanceTimersByTimeAsync(500);
    expect(asked(gateway)).toEqual([id, id]);
    gateway.tell({ type: "error", code, ref: id });
    await vi.advanceTimersByTimeAsync(999);
    expect(asked(gateway)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked(gateway)).toHaveLength(3);
    answer(gateway, id);
    expect(stateOf(page, id)).toMatchObject({ status: "completed" });
  });

  it("that gets no answer within 60 s is asked for again", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    await vi.advanceTimersByTimeAsync(60_500);
    expect(asked(gateway)).toEqual([id, id]);
  });

  it("that is refused for good fails, and the next one is asked for", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    const next = page.session.run([TICK]);
    gateway.tell({ type: "error", code: "invalid", ref: id, detail: "is empty", field: "name" });
    expect(stateOf(page, id)).toMatchObject({ status: "failed", reason: { code: "invalid" }, doubtful: false });
    expect(asked(gateway)).toEqual([id, next]);
    expect(page.state().notice).toBeNull();
  });

  it("that may have been done before it was refused is told as in doubt", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    gateway.tell({ type: "error", code: "conflict", ref: id });
    expect(stateOf(page, id)).toMatchObject({ status: "failed", doubtful: true });
  });

  it("whose result is not known is asked for three times more, and then told as unknown", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    for (let time = 0; time < 3; time += 1) {
      answer(gateway, id, { outcome: "unknown" });
      expect(stateOf(page, id)).toMatchObject({ status: "running" });
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(asked(gateway)).toHaveLength(4);
    answer(gateway, id, { outcome: "unknown" });
    expect(stateOf(page, id)).toMatchObject({ status: "completed", result: { outcome: "unknown" } });
  });

  it("is given up after three minutes without a connection, and was not done", async () => {
    const page = pageOf(new FakeGateway());
    const id = page.session.run([TICK]);
    await vi.advanceTimersByTimeAsync(180_000);
    expect(stateOf(page, id)).toMatchObject({ status: "failed", reason: { code: "unavailable" }, doubtful: false });
  });

  it("that was given up in doubt still gets its result when that comes late", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    await vi.advanceTimersByTimeAsync(180_000);
    expect(stateOf(page, id)).toMatchObject({ status: "failed", reason: { code: "timeout" }, doubtful: true });
    answer(gateway, id);
    expect(stateOf(page, id)).toMatchObject({ status: "completed", result: { outcome: "confirmed" } });
  });

  it("beyond 64 that wait, or larger than a message may be, is not kept", async () => {
    const { gateway, page } = await connected();
    const large = page.session.run([{ op: "create_item", item_id: "i1", list_id: "l1", title: "x", notes: "n".repeat(65_000) }]);
    expect(stateOf(page, large)).toMatchObject({ status: "failed", reason: { code: "too_large" } });
    const ids = Array.from({ length: 65 }, () => page.session.run([TICK]));
    expect(ids.filter((id) => stateOf(page, id)?.status === "failed")).toEqual([ids[64]]);
    expect(asked(gateway)).toEqual([ids[0]]);
  });

  it("with more emoji than a message may hold is not kept, and holds up no other", async () => {
    const { gateway, page } = await connected();
    const noted = (count: number): string => page.session.run([{ op: "update_item", item_id: "i1", notes: "🥛".repeat(count) }]);
    const large = noted(6_000);
    expect(stateOf(page, large)).toMatchObject({ status: "failed", reason: { code: "too_large" }, doubtful: false });
    const fits = noted(5_000);
    expect(asked(gateway)).toEqual([fits]);
    answer(gateway, fits);
    const next = page.session.run([TICK]);
    expect(asked(gateway)).toEqual([fits, next]);
  });

  it("of somebody who is not signed in any more is not asked for under the new sign-in", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([TICK]);
    gateway.owner = "somebody-else";
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(asked(gateway)).toEqual([id]);
    expect(stateOf(page, id)).toMatchObject({ status: "failed", reason: { code: "unauthorised" }, doubtful: true });
  });
});

describe("what was clicked before", () => {
  it("says nothing of revisions that begin anew, as when an owner was forgotten", async () => {
    const { gateway, page } = await connected();
    const state = (revision: number): void => {
      gateway.tell({ type: "state.stale", revision: 99 });
      vi.advanceTimersByTime(2_000);
      gateway.tell(stateList({ ref: String(gateway.heardOf("state.get").at(-1)?.["id"]), revision, list: todoList("l1", "Groceries") }));
    };
    state(99);
    const id = page.session.run([TICK]);
    answer(gateway, id, { receipt: { verdict: "confirmed", revision_before: 99, revision_after: 100 } });
    expect(pendingOperations(page.state().operations, page.state().board.revision)).toHaveLength(1);
    state(1);
    expect(page.state().board.revision).toBe(1);
    expect(pendingOperations(page.state().operations, 1)).toEqual([]);
  });

  it("by somebody who is not signed in any more is not laid over another person's lists", async () => {
    const { gateway, page } = await connected();
    const id = page.session.run([{ op: "create_list", list_id: "l9", name: "Mine" }]);
    answer(gateway, id, { receipt: { verdict: "confirmed", revision_before: 99, revision_after: 100 } });
    gateway.owner = "somebody-else";
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state().operations.size).toBe(0);
    expect(page.state().owners).toBe(1);
  });
});

describe("a click that holds only for the rows as they were seen", () => {
  const milk = todoItem("i1", "l1", "milk");
  const other = todoItem("i2", "l2", "eggs");

  async function withLists(): Promise<{ gateway: FakeGateway; page: Page }> {
    const pair = await connected();
    const ref = pair.gateway.heardOf("state.get")[0]?.["id"];
    pair.gateway.tell(stateList({ ref: String(ref), last: false, list: todoList("l1", "Groceries"), items: [milk] }));
    pair.gateway.tell(stateList({ ref: String(ref), index: 1, list: todoList("l2", "Farm"), items: [other] }));
    expect(pair.page.state().board.revision).toBe(7);
    return pair;
  }

  const STALE = { outcome: "conflict", reason: "stale_view", receipt: { revision_before: 8 } };
  const DELETE = { op: "delete_list", list_id: "l1" } as const;

  it("is refused where something is newer, and asked for again where it was not those rows", async () => {
    const { gateway, page } = await withLists();
    const id = page.session.run([DELETE], { onlyIfUnchanged: ["l1"] });
    answer(gateway, id, STALE);
    expect(stateOf(page, id)).toMatchObject({ status: "running" });
    gateway.tell({ type: "state.changed", entry: entry(8, [{ row_id: "i2", before: other, after: { ...other, done: true, version: 2 } }]) });
    expect(gateway.heardOf("op.run").map((message) => message["expected_revision"])).toEqual([7, 8]);
    answer(gateway, id);
    expect(stateOf(page, id)).toMatchObject({ status: "completed", result: { outcome: "confirmed" } });
  });

  it.each([
    ["changed", { row_id: "i1", before: milk, after: { ...milk, title: "oat milk", version: 2 } }],
    ["was joined by another", { row_id: "i3", after: todoItem("i3", "l1", "bread") }],
    ["is gone", { row_id: "i1", before: milk }],
  ])("stays refused where one of them %s", async (_, image) => {
    const { gateway, page } = await withLists();
    const id = page.session.run([DELETE], { onlyIfUnchanged: ["l1"] });
    gateway.tell({ type: "state.changed", entry: entry(8, [image]) });
    answer(gateway, id, STALE);
    expect(stateOf(page, id)).toMatchObject({ status: "completed", result: { outcome: "conflict" } });
    expect(asked(gateway)).toHaveLength(1);
  });

  it("is told as not checked, not as changed, where the board does not catch up within 5 s", async () => {
    const { gateway, page } = await withLists();
    const id = page.session.run([DELETE], { onlyIfUnchanged: ["l1"] });
    answer(gateway, id, STALE);
    await vi.advanceTimersByTimeAsync(5_000);
    const state = stateOf(page, id);
    expect(state).toMatchObject({ status: "completed", result: { outcome: "conflict", reason: UNCHECKED } });
    expect(state && clickWords(state)).toContain("could not be checked");
  });

  it("is told as not checked where others change other rows faster than it is asked for", async () => {
    const { gateway, page } = await withLists();
    const id = page.session.run([DELETE], { onlyIfUnchanged: ["l1"] });
    for (let revision = 8; revision < 14; revision += 1) {
      gateway.tell({ type: "state.changed", entry: entry(revision, [{ row_id: "i2", before: other, after: { ...other, version: revision } }]) });
      answer(gateway, id, { ...STALE, receipt: { revision_before: revision } });
    }
    expect(stateOf(page, id)).toMatchObject({ status: "completed", result: { reason: UNCHECKED } });
  });

  it("behind a click of one's own that the board does not show yet is not held to what is seen", async () => {
    const { gateway, page } = await withLists();
    const tick = page.session.run([TICK]);
    answer(gateway, tick, { receipt: { verdict: "confirmed", revision_before: 7, revision_after: 8 } });
    page.session.run([DELETE], { onlyIfUnchanged: ["l1"] });
    expect(gateway.heardOf("op.run").at(-1)).toMatchObject({ expected_revision: null });
  });
});
