import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from "react";

import type { TodoItem, TodoList } from "../connection/protocol";
import { useActions } from "./agent";
import { useBoard } from "./board_context";
import { Icon, type IconName } from "./icons";
import { texts } from "./texts";

interface Choice {
  readonly icon: IconName;
  readonly label: string;
  readonly key?: string;
  readonly isDanger?: boolean;
  readonly act: () => void;
}

interface RowMenuProps {
  readonly title: string;
  readonly row: TodoItem | TodoList;
  /** The turn that changed the row last. */
  readonly turn: string | null;
}

/** The button at a row, and what can be done with the row. */
export function RowMenu({ title, row, turn }: RowMenuProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <>
      <button
        type="button"
        className="icon-button button-small"
        data-control
        tabIndex={-1}
        ref={button}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-label={texts.board.menu(title)}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="more" />
      </button>
      {isOpen && <Menu row={row} turn={turn} button={button} close={() => setOpen(false)} />}
    </>
  );
}

function useChoices(row: TodoItem | TodoList, turn: string | null): readonly Choice[] {
  const { acts, change } = useBoard();
  const session = useActions();
  const words = texts.board;
  const { keys } = words;
  const shownTurn: readonly Choice[] =
    turn === null ? [] : [{ icon: "clock", label: words.showTurn, act: () => session.reveal({ kind: "turn", id: turn }) }];
  const goOn = (): void => {
    const next = acts.after(row.id);
    if (next !== null) change({ type: "wanted", id: next });
  };
  if (!("list_id" in row)) {
    return [
      { icon: "plus", label: words.newItem, key: keys.newItem, act: () => change({ type: "adding", id: row.id }) },
      { icon: "edit", label: words.rename, key: keys.rename, act: () => change({ type: "renaming", id: row.id }) },
      ...shownTurn,
      {
        icon: "trash",
        label: words.remove,
        key: keys.remove,
        isDanger: true,
        act: () => {
          goOn();
          acts.removeList(row);
        },
      },
    ];
  }
  return [
    { icon: "edit", label: words.edit, key: keys.edit, act: () => change({ type: "edit", item: row }) },
    { icon: "arrow_up", label: words.moveUp, key: keys.moveUp, act: () => acts.step(row.id, "up") },
    { icon: "arrow_down", label: words.moveDown, key: keys.moveDown, act: () => acts.step(row.id, "down") },
    { icon: "send", label: words.moveTo, key: keys.moveTo, act: () => change({ type: "moving", id: row.id }) },
    ...shownTurn,
    {
      icon: "trash",
      label: words.remove,
      key: keys.remove,
      isDanger: true,
      act: () => {
        goOn();
        acts.removeItem(row);
      },
    },
  ];
}

interface MenuProps extends Omit<RowMenuProps, "title"> {
  readonly button: RefObject<HTMLButtonElement | null>;
  readonly close: () => void;
}

function Menu({ row, turn, button, close }: MenuProps): ReactNode {
  const menu = useRef<HTMLDivElement>(null);
  const choices = useChoices(row, turn);
  useEffect(() => {
    const node = menu.current;
    if (node === null) return;
    // A browser without popovers shows it in place.
    if (typeof node.showPopover === "function") node.showPopover(button.current === null ? {} : { source: button.current });
    node.querySelector("button")?.focus();
  }, [button]);
  const key = (event: KeyboardEvent<HTMLDivElement>): void => {
    const items = [...event.currentTarget.querySelectorAll("button")];
    const at = items.findIndex((item) => item === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === "Escape") {
      close();
      button.current?.focus();
    } else if (event.key === "Tab") close();
    else return;
    if (event.key !== "Tab") event.preventDefault();
  };
  return (
    <div
      className="menu"
      role="menu"
      tabIndex={-1}
      popover="auto"
      ref={menu}
      onKeyDown={key}
      onToggle={({ newState }) => {
        if (newState === "closed") close();
      }}
    >
      {choices.map(({ icon, label, key: shortcut, isDanger = false, act }) => (
        <button
          key={label}
          type="button"
          className="menu-item"
          role="menuitem"
          data-danger={isDanger}
          onClick={() => {
            button.current?.focus();
            close();
            act();
          }}
        >
          <Icon name={icon} />
          {label}
          {shortcut !== undefined && <kbd aria-hidden="true">{shortcut}</kbd>}
        </button>
      ))}
    </div>
  );
}
