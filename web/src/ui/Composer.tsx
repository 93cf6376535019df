import { useState, type KeyboardEvent, type ReactNode, type SubmitEvent } from "react";

import { bytesOver } from "../store/session";
import { useActions } from "./agent";

/** Enter sends, Shift+Enter begins a new line. Nothing is disabled while a turn runs: requests queue up. */
export function Composer(): ReactNode {
  const session = useActions();
  const [text, setText] = useState("");
  const over = bytesOver(text);

  const send = (): void => {
    if (session.send(text)) setText("");
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    send();
  };
  const key = (event: KeyboardEvent): void => {
    // While an input method composes, Enter accepts its suggestion.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form className="composer" onSubmit={submit}>
      <label className="visually-hidden" htmlFor="request">
        Your request
      </label>
      <textarea
        id="request"
        data-testid="composer"
        rows={1}
        value={text}
        placeholder="Add milk to Groceries"
        autoComplete="off"
        enterKeyHint="send"
        aria-invalid={over > 0}
        aria-describedby={over > 0 ? "request-problem" : undefined}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={key}
      />
      <button type="submit" className="button button-primary" data-testid="send">
        Send
      </button>
      {over > 0 && (
        <p id="request-problem" className="composer-problem" role="alert">
          This is {over} bytes too long. Shorten it, or send it in parts.
        </p>
      )}
    </form>
  );
}
