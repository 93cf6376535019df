import { useCallback, useMemo, useState, type ReactNode } from "react";

import { isQueued } from "../store/turns";
import { useActions, useAgentState } from "./agent";
import { Composer } from "./Composer";
import { useFollow } from "./follow";
import { Icon } from "./icons";
import { Queue } from "./Queue";
import { texts } from "./texts";
import { TurnCard } from "./TurnCard";
import { Welcome } from "./Welcome";

export function Chat(): ReactNode {
  return (
    <section className="chat" aria-label={texts.app.chat}>
      <Log />
      <div className="dock">
        <Queue />
        <Composer />
      </div>
    </section>
  );
}

function Log(): ReactNode {
  const session = useActions();
  const all = useAgentState((state) => state.log.turns);
  const lastAsked = useAgentState((state) => state.log.lastAsked);
  const lastEnded = useAgentState((state) => state.log.lastEnded);
  const history = useAgentState((state) => state.history);
  const turns = useMemo(() => all.filter((turn) => !isQueued(turn)), [all]);
  const nearStart = useCallback(() => {
    if (history.more && history.status === "known") session.earlier();
  }, [session, history]);
  const { log, away, toEnd, stay, onScroll } = useFollow(lastAsked, nearStart);
  const [seenEnd, setSeenEnd] = useState(lastEnded);
  if (!away && seenEnd !== lastEnded) setSeenEnd(lastEnded);

  return (
    <div className="log-frame">
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a keyboard scrolls it, and it may hold nothing to focus */}
      <div className="log" role="log" aria-live="off" aria-label={texts.chat.conversation} tabIndex={0} ref={log} onScroll={onScroll}>
        <Earlier onAsk={stay} />
        {turns.length === 0 ? <Empty /> : turns.map((turn) => <TurnCard key={turn.id} turn={turn} />)}
      </div>
      {away && (
        <button type="button" className="to-newest" data-testid="to-newest" onClick={toEnd}>
          <Icon name="arrow_down" />
          {seenEnd === lastEnded ? texts.chat.newest : texts.chat.newAnswer}
        </button>
      )}
    </div>
  );
}

/** The `ref` of a button that goes while it has the focus: the log that it stands in has it next. */
function passFocusToLog(button: HTMLButtonElement): () => void {
  const log = button.closest<HTMLElement>('[role="log"]');
  return () => {
    if (document.activeElement === button) log?.focus();
  };
}

/** What is before the first turn: more of them, if there are. */
function Earlier({ onAsk }: { readonly onAsk: () => void }): ReactNode {
  const session = useActions();
  const ask = (): void => {
    onAsk();
    session.earlier();
  };
  const { status, asked, more } = useAgentState((state) => state.history);
  if (status === "failed" && asked === null) {
    return (
      <p className="log-note" data-testid="history-failed">
        {texts.chat.earlierFailed}
        <button type="button" className="button button-small" onClick={ask}>
          {texts.chat.tryAgain}
        </button>
      </p>
    );
  }
  if (!more) return null;
  return (
    <p className="log-note">
      <button
        type="button"
        className="button button-small"
        data-testid="earlier"
        aria-busy={asked !== null}
        ref={passFocusToLog}
        onClick={ask}
      >
        {asked === null ? texts.chat.earlier : texts.chat.earlierLoading}
      </button>
    </p>
  );
}

function Empty(): ReactNode {
  const isLoading = useAgentState(({ history }) => history.status === "due" || (history.asked !== null && history.status === "none"));
  const isConnected = useAgentState(({ connection }) => connection.name === "connected");
  if (!isLoading) return <Welcome />;
  return (
    <p className="log-note loading" data-testid="history-loading">
      {isConnected ? texts.chat.loading : texts.chat.loadingLater}
    </p>
  );
}
