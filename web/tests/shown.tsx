/** The whole page over a store, with a session that only notes what is asked of it. For tests only. */

import { act, render } from "@testing-library/react";
import { vi, type Mock } from "vitest";

import type { TurnCompleted } from "../src/connection/protocol";
import { createAgentStore, type AgentState, type AgentStore, type Revealed, type View } from "../src/store/store";
import { addTurn, takeTurnMessage } from "../src/store/turns";
import { AgentContext, type AgentActions } from "../src/ui/agent";
import { App } from "../src/ui/App";
import { fromGateway } from "./samples";

type Mocked<Actions> = { readonly [Name in keyof Actions]: Actions[Name] extends (...given: never[]) => unknown ? Mock<Actions[Name]> : never };

/** Of the page that was shown last. */
export let store: AgentStore;
export let session: Mocked<Omit<AgentActions, "line">> & { readonly line: Mocked<AgentActions["line"]> };

/** Show a new page with an empty store, but for what is given. */
export function showPage(known: Partial<AgentState> = {}): void {
  store = createAgentStore();
  store.setState(known);
  session = {
    connect: vi.fn<() => void>(),
    send: vi.fn<(text: string) => boolean>(() => true),
    sendAgain: vi.fn<(turnId: string) => void>(),
    edit: vi.fn<(turnId: string) => void>(),
    write: vi.fn<(text: string) => void>(),
    takeOut: vi.fn<(turnId: string) => void>(),
    goOn: vi.fn<() => void>(),
    stop: vi.fn<() => void>(),
    earlier: vi.fn<() => void>(),
    keepDraft: vi.fn<(text: string) => void>(),
    run: vi.fn<AgentActions["run"]>(() => "op1"),
    point: vi.fn<(id: string | null) => void>((pointed) => store.setState({ pointed })),
    look: vi.fn<(view: View) => void>((view) => store.setState({ view })),
    reveal: vi.fn<(revealed: Revealed) => void>(),
    dismissNotice: vi.fn<() => void>(),
    dismissSignIn: vi.fn<() => void>(),
    line: {
      setRelayOnly: vi.fn<(relayOnly: boolean) => void>((relayOnly) => store.setState({ relayOnly })),
      drop: vi.fn<() => void>(),
      inspect: vi.fn<AgentActions["line"]["inspect"]>(async () => ({ attempts: 1, readings: null })),
    },
  };
  render(
    <AgentContext value={{ store, session }}>
      <App />
    </AgentContext>,
  );
}

export function say(id: string, text: string): void {
  act(() => store.setState(({ log }) => ({ log: addTurn(log, id, text) })));
}

export function hear(message: object): void {
  act(() => store.setState(({ log }) => ({ log: takeTurnMessage(log, fromGateway(message)) })));
}

export function end(turn: TurnCompleted): void {
  hear({ type: "turn.completed", turn });
}
