import { useState, type ReactNode } from "react";

import { useAgentState } from "./agent";
import { Announcer } from "./Announcer";
import { BoardPanel } from "./BoardPanel";
import { Chat } from "./Chat";
import { Header } from "./Header";
import { Notices } from "./Notices";

type View = "chat" | "board";

/** Both panels on a wide screen; one of them, chosen by a switch, on a narrow one. */
export function App(): ReactNode {
  const [view, setView] = useState<View>("chat");
  const revision = useAgentState((state) => state.board.revision);
  const [seenRevision, setSeenRevision] = useState(revision);
  // The first state is no change.
  if (seenRevision === null && revision !== null) setSeenRevision(revision);
  const show = (chosen: View): void => {
    setView(chosen);
    setSeenRevision(revision);
  };
  const unseen = view === "chat" && revision !== seenRevision;

  return (
    <div className="app" data-view={view}>
      <Header />
      <nav className="switch" aria-label="View">
        <button type="button" aria-pressed={view === "chat"} onClick={() => show("chat")}>
          Chat
        </button>
        <button type="button" aria-pressed={view === "board"} onClick={() => show("board")}>
          Lists {unseen && <span className="dot" role="img" aria-label="changed" />}
        </button>
      </nav>
      <Notices />
      <main className="panels">
        <Chat />
        <BoardPanel />
      </main>
      <Announcer />
    </div>
  );
}
