import type { ReactNode } from "react";

import { retryOf, type Turn } from "../store/turns";
import { useActions } from "./agent";
import { CopyButton } from "./CopyButton";
import { Icon } from "./icons";
import { texts } from "./texts";

/** What can be done with an answer. */
export function AnswerActions({ turn }: { readonly turn: Turn }): ReactNode {
  const session = useActions();
  if (turn.completed === null) return null;
  return (
    <div className="answer-foot">
      {retryOf(turn) === "new" && (
        <button type="button" className="button button-small" data-testid="retry" onClick={() => session.sendAgain(turn.id)}>
          <Icon name="retry" />
          {texts.chat.askAgain}
        </button>
      )}
      <span className="actions">
        <CopyButton text={turn.completed.text} label={texts.chat.copyAnswer} />
      </span>
    </div>
  );
}
