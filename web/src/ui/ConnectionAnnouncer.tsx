import type { ReactNode } from "react";

import { useAgentState } from "./agent";
import { announcementOf } from "./connection_words";

/** Says aloud, politely and once each, what becomes of the connection. */
export function ConnectionAnnouncer(): ReactNode {
  const words = useAgentState(({ connection, online }) => announcementOf(connection, online));
  return (
    <p className="visually-hidden" role="status" data-testid="connection-announced">
      {words}
    </p>
  );
}
