import type { ReactNode } from "react";

import type { ConnectionState } from "../connection/state";
import { modelInUse } from "../store/turns";
import { useAgentState } from "./agent";
import { pathWords, pillWords } from "./connection_words";
import { isStandIn } from "./words";

export function Header(): ReactNode {
  const model = useAgentState((state) => modelInUse(state.log)?.name ?? null);
  return (
    <header className="header">
      <div className="title">
        <h1>To-do agent</h1>
        {model !== null && <ModelName name={model} />}
      </div>
      <ConnectionPill />
    </header>
  );
}

export function ModelName({ name }: { readonly name: string }): ReactNode {
  return isStandIn(name) ? (
    <span className="model model-standin" title={name}>
      stand-in model
    </span>
  ) : (
    <span className="model" title={name}>
      {name}
    </span>
  );
}

function isDegraded(state: ConnectionState): boolean {
  return state.name === "connected" && state.silentMs !== undefined;
}

function ConnectionPill(): ReactNode {
  const state = useAgentState((agent) => agent.connection);
  const path = useAgentState((agent) => agent.path);
  return (
    <span
      className="pill"
      data-testid="connection"
      data-state={state.name}
      data-degraded={isDegraded(state)}
      data-path={path === null ? undefined : pathWords(path)}
    >
      {pillWords(state, path)}
    </span>
  );
}
