import { useMemo, type ReactNode } from "react";

import { isQueued } from "../store/turns";
import { useActions, useAgentState } from "./agent";
import { focusComposer } from "./Composer";
import { Icon } from "./icons";
import { texts } from "./texts";

/** Requests that wait for the one before them: each can still be changed or taken out. */
export function Queue(): ReactNode {
  const session = useActions();
  const turns = useAgentState((state) => state.log.turns);
  const queued = useMemo(() => turns.filter(isQueued), [turns]);
  if (queued.length === 0) return null;
  const held = queued.some(({ status }) => status !== "queued");
  return (
    <section className="queue" aria-label={texts.chat.queuedRequests} data-testid="queue" data-held={held}>
      <header className="queue-head">
        <h3>{texts.chat.queued(queued.length)}</h3>
        {held && (
          <>
            <span className="quiet">{texts.chat.held}</span>
            <button
              type="button"
              className="button button-small"
              data-testid="go-on"
              onClick={() => {
                session.goOn();
                focusComposer();
              }}
            >
              {texts.chat.goOn}
            </button>
          </>
        )}
      </header>
      <ol>
        {queued.map(({ id, text }) => (
          <li key={id} className="queued" data-testid="queued" data-turn-id={id}>
            <span className="queued-text" dir="auto">
              {text}
            </span>
            <button type="button" className="icon-button button-small" title={texts.chat.edit} aria-label={texts.chat.edit} onClick={() => session.edit(id)}>
              <Icon name="edit" />
            </button>
            <button
              type="button"
              className="icon-button button-small"
              title={texts.chat.takeOut}
              aria-label={texts.chat.takeOut}
              onClick={() => {
                session.takeOut(id);
                focusComposer();
              }}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
