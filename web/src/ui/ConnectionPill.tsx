import { useRef, type ReactNode } from "react";

import type { ConnectionState } from "../connection/state";
import { useAgentState } from "./agent";
import { ConnectionDetails } from "./ConnectionDetails";
import { pathWords, pillWords } from "./connection_words";
import { useKey } from "./keyboard";
import { usePopover } from "./popover";
import { texts } from "./texts";

const DETAILS_ID = "connection-details";

function isDegraded(state: ConnectionState): boolean {
  return state.name === "connected" && state.silentMs !== undefined;
}

/** The state of the connection in a few words, and at a click all of it. */
export function ConnectionPill(): ReactNode {
  const state = useAgentState((agent) => agent.connection);
  const path = useAgentState((agent) => agent.path);
  const online = useAgentState((agent) => agent.online);
  const pill = useRef<HTMLButtonElement>(null);
  const { ref, isOpen } = usePopover();
  const words = pillWords(state, path, online);
  // By its button, at which it opens, and to which the focus goes back.
  useKey("connection", () => {
    pill.current?.focus();
    pill.current?.click();
  });
  return (
    <>
      <button
        ref={pill}
        type="button"
        className="pill"
        data-testid="connection"
        data-state={state.name}
        data-degraded={isDegraded(state)}
        data-path={path === null ? undefined : pathWords(path)}
        aria-label={texts.connection.pill([words.state, ...words.more].join(", "))}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        popoverTarget={DETAILS_ID}
      >
        <span>{words.state}</span>
        {words.more.map((fact) => (
          <span key={fact} className="pill-more">
            {` · ${fact}`}
          </span>
        ))}
      </button>
      <div
        id={DETAILS_ID}
        ref={ref}
        popover="auto"
        role="dialog"
        aria-label={texts.connection.details.title}
        className="popover connection-details"
        data-testid="connection-details"
      >
        {isOpen && <ConnectionDetails />}
      </div>
    </>
  );
}
