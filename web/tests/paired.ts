/** A session joined to a gateway in memory. For tests only. */

import { vi } from "vitest";

import { AgentSession, type SessionOptions } from "../src/store/session";
import { createAgentStore, type AgentState } from "../src/store/store";
import { FakeGateway } from "./fake_gateway";

export interface Page {
  readonly session: AgentSession;
  state(): AgentState;
}

export function pageOf(gateway: FakeGateway, more: Partial<SessionOptions> = {}): Page {
  const store = createAgentStore();
  const platform = gateway.platform();
  const session = new AgentSession(store, { platform, timeZone: "Europe/Berlin", chance: () => 0.5, ...more });
  return { session, state: () => store.getState() };
}

export const settle = async (): Promise<void> => {
  await vi.advanceTimersByTimeAsync(0);
};

/** A page whose connection stands. */
export async function connected(more: Partial<SessionOptions> = {}): Promise<{ gateway: FakeGateway; page: Page }> {
  const gateway = new FakeGateway();
  const page = pageOf(gateway, more);
  page.session.connect();
  await settle();
  if (page.state().connection.name !== "connected") throw new Error("the page did not connect");
  return { gateway, page };
}
