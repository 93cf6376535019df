import { useState, type ReactNode } from "react";

import { useActions, useAgentState } from "./agent";
import { Announcer } from "./Announcer";
import { BoardPanel } from "./BoardPanel";
import { Chat } from "./Chat";
import { Header } from "./Header";
import { Notices } from "./Notices";
import { Revealer } from "./Revealer";

/** Both panels on a wide screen; one of them, chosen by a switch, on a narrow one. */
export function App(): ReactNode {
  const session = useActions();
  const view = useAgentState((state) => state.view);
  const revision = useAgentState((state) => state.board.revision);
  const [seenRevision, setSeenRevision] = useState(revision);
  // The first state is no change, and what is looked at is seen.
  if (revision !== seenRevision && (seenRevision === null || view === "board")) setSeenRevision(revision);
  const unseen = view === "chat" && revision !== seenRevision;

  return (
    <div className="app" data-view={view}>
      <Header />
      <nav className="switch" aria-label="View">
        <button type="button" aria-pressed={view === "chat"} onClick={() => session.look("chat")}>
          Chat
        </button>
        <button type="button" aria-pressed={view === "board"} onClick={() => session.look("board")}>
          Lists {unseen && <span className="dot" role="img" aria-label="changed" />}
        </button>
      </nav>
      <Notices />
      <main className="panels">
        <Chat />
        <BoardPanel />
      </main>
      <Announcer />
      <Revealer />
    </div>
  );
}
