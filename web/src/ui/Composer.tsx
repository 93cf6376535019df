import { useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode, type SubmitEvent } from "react";

import { bytesOver } from "../store/conversation";
import { stepThrough, type Recall } from "../store/recall";
import { isQueued, isRunning, type PutBack } from "../store/turns";
import { useActions, useAgentState } from "./agent";
import { Icon } from "./icons";
import { useKey } from "./keyboard";
import { texts } from "./texts";

export const COMPOSER_ID = "request";

/** With a finger it would bring up the keyboard over the page. */
export function focusComposer(): void {
  if (matchMedia("(pointer: fine)").matches) document.getElementById(COMPOSER_ID)?.focus();
}

/** The `ref` of a button that goes while it has the focus: the composer has it next, as `focusComposer` gives it. */
export function passFocusToComposer(button: HTMLButtonElement): () => void {
  return () => {
    if (document.activeElement === button) focusComposer();
  };
}

/** What is written, after a text came back: it fills an empty composer, and follows what stands there only where asked for. */
function withPutBack(written: string, { text, asked }: PutBack): string {
  if (written.trim() === "") return text;
  return asked ? `${written}\n${text}` : written;
}

/** Enter sends, Shift+Enter begins a new line. Nothing is disabled while a turn runs: requests queue up. */
export function Composer(): ReactNode {
  const session = useActions();
  const [text, setText] = useState(useAgentState((state) => state.draft));
  const [recall, setRecall] = useState<Recall | null>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const putBack = useAgentState(({ log }) => log.putBack);
  const [taken, setTaken] = useState(putBack);
  const lastAsked = useAgentState(({ log }) => log.lastAsked);
  const asked = useRef(lastAsked);
  const turns = useAgentState(({ log }) => log.turns);
  const running = useMemo(() => turns.filter(isRunning), [turns]);
  const isStopping = running.every(({ stopping }) => stopping);
  const over = bytesOver(text);
  const isEmpty = text.trim() === "";

  if (putBack !== taken) {
    setTaken(putBack);
    setRecall(null);
    if (putBack !== null) setText(withPutBack(text, putBack));
  }
  // Whichever control sent a request, the next is written here.
  useEffect(() => {
    if (lastAsked !== asked.current) focusComposer();
    asked.current = lastAsked;
  }, [lastAsked]);
  // Before anything else can happen, or a reload right behind a key would lose what it wrote.
  useLayoutEffect(() => session.keepDraft(text), [session, text]);
  useEffect(() => {
    if (putBack?.asked === true) box.current?.focus();
  }, [putBack]);
  useEffect(focusComposer, []);

  const send = (): void => {
    if (!session.send(text)) return;
    setText("");
    setRecall(null);
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    send();
  };
  const walk = (step: "back" | "forth"): void => {
    const newest = turns.at(-1);
    // One that has not gone out yet is changed itself, not asked a second time.
    if (step === "back" && isEmpty && newest !== undefined && isQueued(newest)) {
      session.edit(newest.id);
      return;
    }
    const requests = turns.filter((turn) => !isQueued(turn)).map((turn) => turn.text);
    const found = stepThrough(requests, recall, text, step);
    box.current?.focus();
    if (found === null) return;
    setText(found.text);
    setRecall(found.recall);
  };
  useKey("stop", running.length === 0 ? null : () => session.stop());
  useKey("edit_last", turns.length === 0 ? null : () => walk("back"));

  const key = (event: KeyboardEvent): void => {
    if (event.altKey && event.key === "ArrowDown" && recall !== null) {
      event.preventDefault();
      walk("forth");
      return;
    }
    // While an input method composes, Enter accepts its suggestion.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form className="composer" data-running={running.length > 0} onSubmit={submit}>
      <label className="visually-hidden" htmlFor={COMPOSER_ID}>
        {texts.chat.request}
      </label>
      <textarea
        id={COMPOSER_ID}
        ref={box}
        dir="auto"
        data-testid="composer"
        rows={1}
        value={text}
        placeholder={running.length > 0 ? texts.chat.placeholderQueue : texts.chat.placeholder}
        autoComplete="off"
        enterKeyHint="send"
        aria-invalid={over > 0}
        aria-describedby={over > 0 ? "request-problem" : undefined}
        onChange={(event) => {
          setText(event.target.value);
          setRecall(null);
        }}
        onKeyDown={key}
      />
      {running.length > 0 && (
        <button
          type="button"
          className="round round-stop"
          data-testid="stop"
          aria-disabled={isStopping}
          title={isStopping ? texts.chat.stopping : texts.chat.stopHint}
          aria-label={isStopping ? texts.chat.stopping : texts.chat.stop}
          ref={passFocusToComposer}
          onClick={() => session.stop()}
        >
          <Icon name="stop" />
        </button>
      )}
      {(running.length === 0 || !isEmpty) && (
        <button
          type="submit"
          className="round round-send"
          data-testid="send"
          data-empty={isEmpty}
          title={running.length > 0 ? texts.chat.queue : texts.chat.send}
          aria-label={running.length > 0 ? texts.chat.queue : texts.chat.send}
        >
          <Icon name={running.length > 0 ? "plus" : "arrow_up"} />
        </button>
      )}
      {over > 0 && (
        <p id="request-problem" className="composer-problem" role="alert">
          {texts.chat.tooLong(over)}
        </p>
      )}
    </form>
  );
}
