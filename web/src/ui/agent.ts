/** How components reach the store and the session. */

import { createContext, use, useCallback } from "react";
import { useStore } from "zustand";

import type { AgentSession } from "../store/session";
import type { Line } from "../store/line";
import type { Preferences } from "../store/preferences";
import type { AgentState, AgentStore } from "../store/store";

/** What a person can do: the part of AgentSession that components use, so that tests can give another. */
export type AgentActions = Pick<
  AgentSession,
  | "connect"
  | "send"
  | "sendAgain"
  | "edit"
  | "write"
  | "takeOut"
  | "goOn"
  | "stop"
  | "earlier"
  | "keepDraft"
  | "run"
  | "point"
  | "look"
  | "reveal"
  | "dismissNotice"
  | "dismissSignIn"
> & { readonly line: Pick<Line, "setRelayOnly" | "drop" | "inspect"> };

export interface Agent {
  readonly store: AgentStore;
  readonly session: AgentActions;
}

export const AgentContext = createContext<Agent | null>(null);

function useAgent(): Agent {
  const agent = use(AgentContext);
  if (agent === null) throw new Error("a component stands outside of AgentContext");
  return agent;
}

/** A part of the state; the component renders again when it changes. */
export function useAgentState<Part>(select: (state: AgentState) => Part): Part {
  return useStore(useAgent().store, select);
}

export function useActions(): AgentActions {
  return useAgent().session;
}

/** Changes how the page looks and is used. */
export function usePrefer(): (change: Partial<Preferences>) => void {
  const { store } = useAgent();
  return useCallback(
    (change) => store.setState(({ preferences }) => ({ preferences: { ...preferences, ...change } })),
    [store],
  );
}
