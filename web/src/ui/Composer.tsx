import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode, type SubmitEvent } from "react";

import { bytesOver } from "../store/conversation";
import type { PutBack } from "../store/turns";
import { useActions, useAgentState } from "./agent";

export const COMPOSER_ID = "request";

/** What is written, after a rejected text came back: it fills an empty composer, and follows what stands there only where asked for. */
function withPutBack(written: string, { text, asked }: PutBack): string {
  if (written.trim() === "") return text;
  return asked ? `${written}\n${text}` : written;
}

/** Enter sends, Shift+Enter begins a new line. Nothing is disabled while a turn runs: requests queue up. */
export function Composer(): ReactNode {
  const session = useActions();
  const [text, setText] = useState(useAgentState((state) => state.draft));
  const box = useRef<HTMLTextAreaElement>(null);
  const putBack = useAgentState(({ log }) => log.putBack);
  const [taken, setTaken] = useState(putBack);
  const newest = useAgentState(({ log }) => log.turns.at(-1)?.id ?? null);
  const over = bytesOver(text);

  if (putBack !== taken) {
    setTaken(putBack);
    if (putBack !== null) setText(withPutBack(text, putBack));
  }
  // Only the person makes turns: whichever control sent one, the next is written here.
  useEffect(() => {
    if (newest !== null) box.current?.focus();
  }, [newest]);
  useEffect(() => session.keepDraft(text), [session, text]);
  useEffect(() => {
    if (putBack?.asked === true) box.current?.focus();
  }, [putBack]);
  // With a finger it would bring up the keyboard over the page.
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, []);

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
      <label className="visually-hidden" htmlFor={COMPOSER_ID}>
        Your request
      </label>
      <textarea
        id={COMPOSER_ID}
        ref={box}
        dir="auto"
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
