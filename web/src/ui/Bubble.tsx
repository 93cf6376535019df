import type { ReactNode } from "react";

import type { Turn } from "../store/turns";
import { useActions, useAgentState } from "./agent";
import { CopyButton } from "./CopyButton";
import { Icon, type IconName } from "./icons";
import { markOf, type Mark } from "./marks";
import { texts } from "./texts";

const ICONS: Readonly<Record<Mark, IconName>> = {
  waiting: "clock",
  sending: "clock",
  doubted: "clock",
  sent: "check",
  accepted: "check_circle",
  stopping: "stop",
  tooLate: "check_circle",
  rejected: "alert",
  silent: "question",
};

/** The request itself, as its person wrote it, with how far it has come and what can be done with it. */
export function Bubble({ turn }: { readonly turn: Turn }): ReactNode {
  const session = useActions();
  const mark = useAgentState((state) => markOf(turn, state.connection.name === "connected"));
  return (
    <div className="request">
      <p className="bubble" dir="auto">
        {turn.text}
      </p>
      <div className="request-foot">
        <span className="actions">
          <CopyButton text={turn.text} label={texts.chat.copyRequest} />
          <button
            type="button"
            className="icon-button button-small"
            title={texts.chat.edit}
            aria-label={texts.chat.edit}
            data-testid="edit"
            onClick={() => session.edit(turn.id)}
          >
            <Icon name="edit" />
          </button>
        </span>
        {mark !== null && (
          <span className="request-mark" data-testid="mark" data-mark={mark}>
            <Icon name={ICONS[mark]} />
            {texts.chat.mark[mark]}
          </span>
        )}
      </div>
    </div>
  );
}
