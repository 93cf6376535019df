import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Expiry } from "../src/store/expiry";
import { Kept } from "../src/store/kept";
import { FakeGateway } from "./fake_gateway";
import { connected, pageOf, settle } from "./paired";
import { FakeStorage } from "./samples";

const MINUTE_MS = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const inFuture = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe("a token", () => {
  it("is in the hello, is kept for a reload, and is nowhere else", async () => {
    const kept = new Kept(new FakeStorage());
    const gateway = new FakeGateway();
    const page = pageOf(gateway, { kept });
    page.session.signIn("secret.one");
    page.session.connect();
    await settle();
    expect(gateway.link.hello).toMatchObject({ token: "secret.one" });
    expect(JSON.stringify([page.state(), gateway.heard])).not.toContain("secret.one");
    const reloaded = new FakeGateway();
    pageOf(reloaded, { kept }).session.connect();
    await settle();
    expect(reloaded.link.hello).toMatchObject({ token: "secret.one" });
  });

  it.each([[""], ["x".repeat(8_193)]])("that cannot be one is not used, and the person is told", async (value) => {
    const { gateway, page } = await connected();
    page.session.signIn(value);
    expect(gateway.heardOf("token.renew")).toEqual([]);
    expect(page.state().notice?.detail).toContain("open the link you were given again");
  });

  it("takes the place of another on the living channel, once the server has taken it", async () => {
    const kept = new Kept(new FakeStorage());
    kept.token = "old";
    const { gateway, page } = await connected({ kept });
    page.session.signIn("new");
    const [asked] = gateway.heardOf("token.renew");
    expect(asked).toMatchObject({ token: "new" });
    expect(kept.token).toBe("old");
    gateway.tell({ type: "token.renewed", ref: asked?.["id"], expires_at: inFuture(4 * MINUTE_MS) });
    expect(kept.token).toBe("new");
    expect(page.state()).toMatchObject({ signInEnds: 4, notice: null });
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.link.hello).toMatchObject({ token: "new" });
    expect(gateway.heardOf("token.renew")).toHaveLength(1);
  });

  it("that the server refuses leaves the one before in use, and the person is told without it", async () => {
    const kept = new Kept(new FakeStorage());
    kept.token = "old";
    const { gateway, page } = await connected({ kept });
    page.session.signIn("forged");
    const [asked] = gateway.heardOf("token.renew");
    gateway.tell({ type: "error", code: "unauthorised", field: "token", detail: "is of no use", ref: asked?.["id"] });
    expect(page.state().notice?.detail).toContain("not accepted");
    expect(kept.token).toBe("old");
    expect(JSON.stringify(page.state())).not.toContain("forged");
  });

  it("that cannot be checked now, or whose answer is lost, is used for the next connection", async () => {
    const { gateway, page } = await connected();
    page.session.signIn("first");
    const [asked] = gateway.heardOf("token.renew");
    gateway.tell({ type: "error", code: "unavailable", detail: "signaling is away", ref: asked?.["id"] });
    expect(page.state().notice?.detail).toContain("next connection");
    page.session.signIn("second");
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.link.hello).toMatchObject({ token: "second" });
    page.session.signIn("third");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(page.state().notice?.detail).toContain("next connection");
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.link.hello).toMatchObject({ token: "third" });
  });

  it("that comes while a connection is being made is brought to it when it is open", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    const { link } = gateway;
    link.socket.open();
    expect(link.hello).toMatchObject({ token: null });
    page.session.signIn("late");
    link.signal(gateway.ready());
    await settle();
    link.channel.open();
    await settle();
    expect(gateway.heardOf("token.renew")).toMatchObject([{ token: "late" }]);
  });

  it("that comes after the page was refused connects it again", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    gateway.link.signal({ type: "error", code: "unauthorised", detail: "sign in", final: true });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(gateway.links).toHaveLength(1);
    page.session.signIn("good");
    gateway.link.socket.open();
    expect(gateway.link.hello).toMatchObject({ token: "good" });
  });
});

describe("a good new token", () => {
  const UNAUTHORISED = { type: "error", code: "unauthorised", detail: "sign in", final: true };

  async function draining(): Promise<Awaited<ReturnType<typeof connected>>> {
    const kept = new Kept(new FakeStorage());
    kept.token = "old";
    const { gateway, page } = await connected({ kept });
    gateway.friendly = false;
    gateway.tell({ type: "draining", retry_after_ms: 0 });
    await vi.advanceTimersByTimeAsync(250);
    gateway.link.socket.open();
    return { gateway, page };
  }

  it("connects a page whose gateway is going and whose next attempt was refused", async () => {
    const { gateway, page } = await draining();
    gateway.link.signal(UNAUTHORISED);
    gateway.friendly = true;
    page.session.signIn("new");
    await settle();
    expect(gateway.link.hello).toMatchObject({ token: "new" });
    expect(page.state().connection).toEqual(expect.objectContaining({ name: "connected", attempt: 3 }));
    expect(page.state().connection).not.toHaveProperty("move");
  });

  it.each(["before", "after"])("that the old channel takes %s that refusal is followed by another attempt", async (order) => {
    const { gateway, page } = await draining();
    const [old, trying] = gateway.links;
    page.session.signIn("new");
    const [asked] = gateway.heardOf("token.renew");
    const renewed = { type: "token.renewed", ref: asked?.["id"], expires_at: inFuture(60 * MINUTE_MS) };
    gateway.friendly = true;
    if (order === "before") old?.tell(renewed);
    trying?.signal(UNAUTHORISED);
    if (order === "after") old?.tell(renewed);
    await vi.advanceTimersByTimeAsync(500);
    expect(gateway.link.hello).toMatchObject({ token: "new" });
    expect(page.state().connection).toMatchObject({ name: "connected", attempt: 3 });
  });

  it("that comes while a refusal of the one before is on its way is tried", async () => {
    const gateway = new FakeGateway({ friendly: false });
    const page = pageOf(gateway);
    page.session.connect();
    gateway.link.socket.open();
    page.session.signIn("new");
    gateway.link.signal(UNAUTHORISED);
    expect(page.state().connection.name).toBe("reconnecting");
    await vi.advanceTimersByTimeAsync(250);
    gateway.link.socket.open();
    expect(gateway.link.hello).toMatchObject({ token: "new" });
    gateway.link.signal(UNAUTHORISED);
    expect(page.state().connection.name).toBe("failed");
  });

  it("that cannot be checked now is asked about again, later each time, and the person is told once", async () => {
    const { gateway, page } = await connected();
    page.session.signIn("new");
    const asked = (): unknown[] => gateway.heardOf("token.renew").map(({ id }) => id);
    const away = (): void => gateway.tell({ type: "error", code: "unavailable", detail: "away", ref: asked().at(-1) });
    away();
    page.session.dismissNotice();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked()).toHaveLength(2);
    away();
    await vi.advanceTimersByTimeAsync(9_999);
    expect(asked()).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked()).toHaveLength(3);
    gateway.tell({ type: "token.renewed", ref: asked().at(-1), expires_at: inFuture(4 * MINUTE_MS) });
    expect(page.state()).toMatchObject({ notice: null, signInEnds: 4 });
    await vi.advanceTimersByTimeAsync(200_000);
    expect(asked()).toHaveLength(3);
  });

  it("that could not be checked is tried when the one before has ended", async () => {
    const { gateway, page } = await connected();
    page.session.signIn("new");
    gateway.tell({ type: "error", code: "unavailable", detail: "away", ref: gateway.heardOf("token.renew")[0]?.["id"] });
    gateway.tell(UNAUTHORISED);
    await vi.advanceTimersByTimeAsync(250);
    expect(gateway.link.hello).toMatchObject({ token: "new" });
    expect(page.state().connection.name).toBe("connected");
  });

  it("that could not be checked and is refused then leaves the one before in use", async () => {
    const kept = new Kept(new FakeStorage());
    kept.token = "old";
    const { gateway, page } = await connected({ kept });
    page.session.signIn("forged");
    gateway.tell({ type: "error", code: "unavailable", detail: "away", ref: gateway.heardOf("token.renew")[0]?.["id"] });
    await vi.advanceTimersByTimeAsync(5_000);
    gateway.tell({ type: "error", code: "unauthorised", detail: "no", ref: gateway.heardOf("token.renew")[1]?.["id"] });
    expect(kept.token).toBe("old");
    expect(page.state().notice?.detail).toContain("not accepted");
  });
});

describe("the end of a sign-in", () => {
  async function entering(expiresAt: string | null): Promise<{ gateway: FakeGateway; page: ReturnType<typeof pageOf> }> {
    const gateway = new FakeGateway();
    gateway.tokenExpiresAt = expiresAt;
    const page = pageOf(gateway);
    page.session.connect();
    await settle();
    return { gateway, page };
  }

  it("is told five minutes and one minute before, and may be put away", async () => {
    const { page } = await entering(inFuture(60 * MINUTE_MS));
    await vi.advanceTimersByTimeAsync(55 * MINUTE_MS - 1);
    expect(page.state().signInEnds).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(page.state().signInEnds).toBe(5);
    page.session.dismissSignIn();
    await vi.advanceTimersByTimeAsync(4 * MINUTE_MS - 1);
    expect(page.state().signInEnds).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(page.state().signInEnds).toBe(1);
  });

  it("is not told again by a reconnect, nor of a sign-in that does not end", async () => {
    const { gateway, page } = await entering(inFuture(5 * MINUTE_MS));
    expect(page.state().signInEnds).toBe(5);
    page.session.dismissSignIn();
    gateway.link.channel.close();
    await vi.advanceTimersByTimeAsync(250);
    expect(page.state()).toMatchObject({ connection: { name: "connected" }, signInEnds: null });
    expect((await entering(null)).page.state().signInEnds).toBeNull();
  });

  it("that is months away is told in time, though no timer is that long", async () => {
    const told: (number | null)[] = [];
    const expiry = new Expiry((minutes) => told.push(minutes));
    expiry.set(inFuture(60 * 24 * 60 * MINUTE_MS));
    await vi.advanceTimersByTimeAsync(60 * 24 * 60 * MINUTE_MS - 5 * MINUTE_MS - 1);
    expect(told).toEqual([null]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([null, 5]);
  });

  it("is no longer told when it has come", async () => {
    const { gateway, page } = await entering(inFuture(30_000));
    expect(page.state().signInEnds).toBe(1);
    gateway.tell({ type: "error", code: "unauthorised", detail: "has expired", field: "token", final: true });
    expect(page.state()).toMatchObject({ connection: { name: "failed" }, signInEnds: null });
  });
});
