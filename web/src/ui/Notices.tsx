import type { ReactNode } from "react";

import type { ConnectionState } from "../connection/state";
import { useActions, useAgentState } from "./agent";
import { duration, reasonWords } from "./words";

function retryWords(state: ConnectionState): string | null {
  // A first loss mends within half a second: the pill says enough about it.
  if (!("failures" in state) || state.failures < 2) return null;
  if (state.name === "signaling" || state.name === "connecting") return "Connecting again.";
  if (state.name !== "reconnecting") return null;
  return `${reasonWords(state.reason)} Next try ${state.delayMs < 1000 ? "at once" : `in ${duration(state.delayMs)}`}.`;
}

/** What is wrong with the connection, and problems that concern no turn. */
export function Notices(): ReactNode {
  const connection = useAgentState((state) => state.connection);
  const notice = useAgentState((state) => state.notice);
  const session = useActions();
  const retry = retryWords(connection);
  return (
    <div className="notices" role="alert">
      {retry !== null && (
        <Notice action="Try now" act={() => session.connect()}>
          {retry}
        </Notice>
      )}
      {connection.name === "failed" && (
        <Notice action="Connect again" act={() => session.connect()}>
          {reasonWords(connection.reason)}
        </Notice>
      )}
      {notice !== null && (
        <Notice action="Dismiss" act={() => session.dismissNotice()}>
          {reasonWords(notice)}
        </Notice>
      )}
    </div>
  );
}

interface NoticeProps {
  readonly action: string;
  readonly act: () => void;
  readonly children: ReactNode;
}

function Notice({ action, act, children }: NoticeProps): ReactNode {
  return (
    <p className="notice">
      <span>{children}</span>
      <button type="button" className="button" onClick={act}>
        {action}
      </button>
    </p>
  );
}
