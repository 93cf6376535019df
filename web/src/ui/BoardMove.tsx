import { useEffect, useRef, useState, type ReactNode } from "react";

import type { ListOnBoard } from "../store/board";
import { foldedText } from "../store/filter";
import { itemOf } from "../store/overlay";
import { useBoard } from "./board_context";
import { quoted } from "./board_acts";
import { Icon } from "./icons";
import { texts } from "./texts";

const SHOWN_MAX = 50;

interface BoardMoveProps {
  readonly id: string;
  readonly lists: readonly ListOnBoard[];
}

/** The lists that a to-do can be moved to: what dragging is, without dragging. */
export function BoardMove({ id, lists }: BoardMoveProps): ReactNode {
  const { acts, change } = useBoard();
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const item = itemOf(lists, id);
  const isThere = item !== null;
  const search = useRef<HTMLInputElement>(null);
  const next = useRef<string | null>(null);
  useEffect(() => {
    if (isThere) next.current = acts.after(id);
  });
  useEffect(() => {
    if (isThere) {
      dialog.current?.showModal(); // which focuses what stands first
      search.current?.focus();
      return;
    }
    change({ type: "moving", id: null }); // somebody else has deleted it meanwhile
    if (next.current !== null) change({ type: "wanted", id: next.current });
  }, [isThere, change]);
  if (item === null) return null;
  const found = lists.filter(({ list }) => foldedText(list.name).includes(foldedText(text)));
  const close = (): void => {
    change({ type: "moving", id: null });
    change({ type: "wanted", id });
  };
  const move = (listId: string): void => {
    acts.move(id, { listId, where: "end" });
    close();
  };
  return (
    <dialog className="dialog move-dialog" ref={dialog} onClose={close} aria-labelledby="move-title">
      <div className="dialog-head">
        <h2 id="move-title">{texts.board.moveTitle(quoted(item.title))}</h2>
        <button type="button" className="icon-button" aria-label={texts.board.close} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </div>
      <form
        className="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          const first = found.find(({ list }) => list.id !== item.list_id);
          if (first !== undefined) move(first.list.id);
        }}
      >
        <input
          className="input"
          type="search"
          ref={search}
          dir="auto"
          autoComplete="off"
          value={text}
          aria-label={texts.board.moveFind}
          placeholder={texts.board.moveFind}
          onChange={(event) => setText(event.target.value)}
        />
        <ul className="move-lists">
          {found.slice(0, SHOWN_MAX).map(({ list }) => (
            <li key={list.id}>
              <button type="button" className="menu-item" disabled={list.id === item.list_id} onClick={() => move(list.id)}>
                <bdi>{list.name}</bdi>
                {list.id === item.list_id && <span className="quiet">{texts.board.moveHere}</span>}
              </button>
            </li>
          ))}
        </ul>
        {found.length === 0 && <p className="quiet">{texts.board.nothingFound}</p>}
        {found.length > SHOWN_MAX && <p className="quiet">{texts.board.moreLists(found.length - SHOWN_MAX)}</p>}
      </form>
    </dialog>
  );
}
