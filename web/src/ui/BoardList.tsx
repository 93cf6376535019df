import { memo, useRef, useState, type KeyboardEvent, type ReactNode, type SubmitEvent } from "react";

import type { TodoList } from "../connection/protocol";
import type { ListOnBoard } from "../store/board";
import { asStored, titleOver } from "../store/editing";
import { markOf } from "../store/marks";
import { quoted } from "./board_acts";
import { useBoard } from "./board_context";
import { ClickMark, touchedMark } from "./BoardItem";
import { RowMenu } from "./BoardMenu";
import { BoardRows, ROW_PX, useNear, type BoardRowsProps } from "./BoardRows";
import { Icon } from "./icons";
import { elementIdOf } from "./Revealer";
import { texts } from "./texts";

const HEAD_PX = 48;
const FOOT_PX = 37;

interface BoardListProps extends Omit<BoardRowsProps, "items"> {
  readonly entry: ListOnBoard;
  /** Whether it is near what is seen before anything was scrolled. */
  readonly isFirst: boolean;
  readonly isFolded: boolean;
  readonly isFiltering: boolean;
  readonly isRenaming: boolean;
  readonly isAdding: boolean;
}

/** A list with its to-dos. It is drawn again only where something of its own has changed. */
export const BoardList = memo(function BoardList(props: BoardListProps): ReactNode {
  const { entry, marks, wanted, windowed, isFirst, isFolded, isFiltering, isRenaming, isAdding } = props;
  const { list, items } = entry;
  const { acts, change } = useBoard();
  const mark = markOf(marks, list.id);
  const isOpen = isFiltering || !isFolded;
  const bodyId = `list-${list.id}`;
  const card = useRef<HTMLElement>(null);
  const { isNear, height } = useNear(card, isFirst);
  if (windowed && !isNear && wanted === null && !isAdding && !isRenaming) {
    const blockSize = `${height ?? HEAD_PX + (isOpen ? items.length * ROW_PX + FOOT_PX : 0)}px`;
    return (
      <article className="list" data-testid="list" data-list={list.id} data-list-name={list.name} aria-label={list.name} ref={card} style={{ blockSize }}>
        <h3 className="list-far">
          <bdi>{list.name}</bdi>
        </h3>
      </article>
    );
  }
  const body = (
    <div id={bodyId} className="list-body">
      {items.length > 0 && <BoardRows {...props} items={items} />}
      {isAdding ? (
        <OneLine
          label={texts.board.newItemIn(list.name)}
          action={texts.board.add}
          placeholder={texts.board.newItem}
          submit={(title) => change({ type: "added", id: acts.addItem(list.id, { title }) })}
          close={() => {
            change({ type: "adding", id: null });
            change({ type: "wanted", id: list.id });
          }}
        />
      ) : (
        !isFiltering && (
          <button type="button" className="list-add" tabIndex={-1} onClick={() => change({ type: "adding", id: list.id })}>
            <Icon name="plus" />
            {texts.board.newItem}
          </button>
        )
      )}
    </div>
  );
  return (
    <article
      className="list"
      ref={card}
      data-testid="list"
      data-list={list.id}
      data-list-name={list.name}
      data-touched={touchedMark(mark)}
      data-pointed={mark.pointed}
      aria-label={list.name}
    >
      <header className="list-head" data-row={list.id} data-kind="list">
        {isRenaming ? (
          <Rename list={list} />
        ) : (
          <>
            <h3>
              <button
                type="button"
                className="list-name"
                id={elementIdOf({ kind: "row", id: list.id })}
                data-stop
                tabIndex={-1}
                aria-expanded={isOpen}
                aria-controls={isOpen ? bodyId : undefined}
                onClick={() => change({ type: "folded", ids: [list.id], folded: !isFolded })}
              >
                <Icon name={isOpen ? "chevron_down" : "chevron_right"} />
                <bdi>{list.name}</bdi>
              </button>
            </h3>
            <ClickMark mark={mark} />
            <Counts entry={entry} isFiltering={isFiltering} />
            <button
              type="button"
              className="icon-button button-small"
              data-control
              tabIndex={-1}
              aria-label={texts.board.newItemTo(list.name)}
              title={texts.board.newItem}
              onClick={() => change({ type: "adding", id: list.id })}
            >
              <Icon name="plus" />
            </button>
            <RowMenu title={list.name} row={list} turn={mark.turn} />
          </>
        )}
      </header>
      {isOpen && body}
    </article>
  );
});

function Counts({ entry: { items }, isFiltering }: Pick<BoardListProps, "entry" | "isFiltering">): ReactNode {
  const open = items.filter((item) => !item.done).length;
  if (isFiltering) return <span className="list-counts">{items.length}</span>;
  return (
    <span className="list-counts">
      <span aria-hidden="true">{texts.board.counts(open, items.length)}</span>
      <span className="visually-hidden">{texts.board.countsRead(open, items.length)}</span>
    </span>
  );
}

/** The name as it was when its writing began is what a change elsewhere is told against. */
function Rename({ list }: { readonly list: TodoList }): ReactNode {
  const { acts, change } = useBoard();
  const [seen] = useState(list.name);
  const close = (): void => {
    change({ type: "renaming", id: null });
    change({ type: "wanted", id: list.id });
  };
  return (
    <OneLine
      label={texts.board.rename}
      action={texts.board.save}
      initial={seen}
      note={list.name === seen ? null : texts.board.changedField(texts.board.name, quoted(list.name))}
      submit={(name) => {
        acts.rename(list, name);
        close();
      }}
      close={close}
    />
  );
}

interface OneLineProps {
  readonly label: string;
  readonly action: string;
  readonly placeholder?: string;
  readonly initial?: string;
  readonly note?: string | null;
  readonly submit: (text: string) => void;
  readonly close: () => void;
}

/** A name or title to be written. Enter submits it, Escape lets it be. */
export function OneLine({ label, action, placeholder, initial = "", note = null, submit, close }: OneLineProps): ReactNode {
  const [text, setText] = useState(initial);
  const over = titleOver(text) ?? 0;
  const key = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    close();
  };
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    if (titleOver(text) !== 0) return;
    submit(asStored(text));
    setText("");
  };
  return (
    <form className="one-line" onSubmit={send}>
      <input
        className="input"
        ref={focusOnce}
        dir="auto"
        autoComplete="off"
        enterKeyHint="done"
        aria-label={label}
        aria-invalid={over > 0}
        placeholder={placeholder}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={key}
      />
      <button type="submit" className="button" disabled={titleOver(text) !== 0}>
        {action}
      </button>
      <button type="button" className="icon-button" aria-label={texts.board.close} onClick={close}>
        <Icon name="close" />
      </button>
      {over > 0 && <p className="field-problem" role="alert">{texts.board.tooLong(over)}</p>}
      {note !== null && <p className="one-line-note" role="status">{note}</p>}
    </form>
  );
}

function focusOnce(input: HTMLInputElement | null): void {
  input?.focus();
}
