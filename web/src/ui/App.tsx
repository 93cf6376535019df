import { useState, type ReactNode } from "react";

import { useActions, useAgentState } from "./agent";
import { Announcer } from "./Announcer";
import { BoardPanel } from "./BoardPanel";
import { Chat } from "./Chat";
import { ConnectionAnnouncer } from "./ConnectionAnnouncer";
import { Divider, USUAL_SPLIT } from "./Divider";
import { Header } from "./Header";
import { HelpSheet } from "./HelpSheet";
import { useGlobalKeys } from "./keyboard";
import { useLeaveWarning } from "./leaving";
import { Notices } from "./Notices";
import { usePanelKeys } from "./panels";
import { Revealer } from "./Revealer";
import { texts } from "./texts";

declare module "react" {
  interface CSSProperties {
    /** The chat's share of a wide screen, from 0 to 1. */
    "--split"?: number;
  }
}

/** Both panels on a wide screen; one of them, chosen by a switch, on a narrow one. */
export function App(): ReactNode {
  const session = useActions();
  const view = useAgentState((state) => state.view);
  const revision = useAgentState((state) => state.board.revision);
  const owners = useAgentState((state) => state.owners);
  const kept = useAgentState((state) => state.preferences.split);
  const [dragged, setDragged] = useState<number | null>(null);
  const [seenRevision, setSeenRevision] = useState(revision);
  // The first state is no change, and what is looked at is seen.
  if (revision !== seenRevision && (seenRevision === null || view === "board")) setSeenRevision(revision);
  const unseen = view === "chat" && revision !== seenRevision;
  const split = dragged ?? kept ?? USUAL_SPLIT;
  useGlobalKeys();
  useLeaveWarning();
  usePanelKeys();

  return (
    <div className="app" data-view={view}>
      <Header />
      <nav className="switch" aria-label={texts.app.view}>
        <button type="button" aria-pressed={view === "chat"} onClick={() => session.look("chat")}>
          {texts.app.chat}
        </button>
        <button type="button" aria-pressed={view === "board"} onClick={() => session.look("board")}>
          {texts.app.lists}
          {unseen && <span className="dot" role="img" aria-label={texts.app.changed} />}
        </button>
      </nav>
      <main>
        <Notices />
        <div className="panels" style={{ "--split": split }}>
          <Chat />
          <Divider split={split} onDrag={setDragged} />
          <BoardPanel key={owners} />
        </div>
      </main>
      <HelpSheet />
      <Announcer />
      <ConnectionAnnouncer />
      <Revealer />
    </div>
  );
}
