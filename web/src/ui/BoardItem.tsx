import { memo, type ReactNode } from "react";

import type { TodoItem } from "../connection/protocol";
import type { Edit } from "../store/editing";
import { isOverdue } from "../store/due";
import type { Mark } from "../store/marks";
import { useActions } from "./agent";
import { useBoard } from "./board_context";
import { BoardEditor } from "./BoardEditor";
import { RowMenu } from "./BoardMenu";
import { dueInFull, dueLabel } from "./due_words";
import { Icon } from "./icons";
import { elementIdOf } from "./Revealer";
import { texts } from "./texts";

interface BoardItemProps {
  readonly item: TodoItem;
  readonly mark: Mark;
  readonly edit: Edit | null;
  /** The minute in which it is drawn. */
  readonly now: Date;
}

/** A to-do. Its checkbox has the focus of the row; what else can be done is behind it. */
export const BoardItem = memo(function BoardItem({ item, mark, edit, now }: BoardItemProps): ReactNode {
  const { acts, change } = useBoard();
  const { id, title, notes } = item;
  const tagsId = `tags-${id}`;
  return (
    <li
      className="item"
      data-testid="item"
      data-row={id}
      data-kind="item"
      data-done={item.done}
      data-touched={touchedMark(mark)}
      data-pointed={mark.pointed}
      data-click={mark.click ?? undefined}
    >
      <span className="item-grip" data-grip aria-hidden="true">
        <Icon name="grip" />
      </span>
      <input
        type="checkbox"
        className="item-check"
        id={elementIdOf({ kind: "row", id })}
        data-stop
        tabIndex={-1}
        checked={item.done}
        aria-label={title}
        aria-describedby={tagsId}
        onChange={() => acts.tick(item)}
      />
      {edit === null ? (
        <>
          <div className="item-body">
            <button
              type="button"
              className="item-title"
              data-control
              tabIndex={-1}
              aria-label={`${texts.board.edit} ${title}`}
              onClick={() => change({ type: "edit", item })}
            >
              <bdi>{title}</bdi>
            </button>
            <Tags item={item} id={tagsId} now={now} />
          </div>
          <div className="item-tools">
            <ClickMark mark={mark} />
            {mark.turn !== null && <LastChange turn={mark.turn} />}
            <RowMenu title={title} row={item} turn={mark.turn} />
          </div>
        </>
      ) : (
        <BoardEditor id={id} edit={edit} />
      )}
      {edit === null && notes !== "" && (
        <bdi className="item-notes quiet" dir="auto">
          {notes}
        </bdi>
      )}
    </li>
  );
});

/** Two names for the same flash: a row that changes again flashes again. */
export function touchedMark({ touched }: Mark): string | undefined {
  if (touched === 0) return undefined;
  return touched % 2 === 0 ? "even" : "odd";
}

function Tags({ item, id, now }: { readonly item: TodoItem; readonly id: string; readonly now: Date }): ReactNode {
  const { due, priority, done } = item;
  if (due === null && priority === "none") return null;
  const isLate = due !== null && !done && isOverdue(due, now);
  return (
    <span className="item-tags" id={id}>
      {due !== null && (
        <span className="tag" data-tone={isLate ? "bad" : undefined} title={dueInFull(due)}>
          <Icon name="calendar" />
          {dueLabel(due, now)}
          {isLate && <span className="visually-hidden"> {texts.board.overdue}</span>}
        </span>
      )}
      {priority !== "none" && (
        <span className="tag" data-tone={priority === "high" ? "warn" : undefined} data-priority={priority}>
          <Icon name="flag" />
          {texts.board.priorityNames[priority]}
        </span>
      )}
    </span>
  );
}

export function ClickMark({ mark: { click } }: { readonly mark: Mark }): ReactNode {
  if (click === null) return null;
  return (
    <span className="click-mark" data-click={click} data-testid="click-mark">
      {click === "verified" && <Icon name="check" />}
      {click === "verified" ? texts.board.verified : <span className="visually-hidden">{texts.board.saving}</span>}
    </span>
  );
}

function LastChange({ turn }: { readonly turn: string }): ReactNode {
  const session = useActions();
  return (
    <button
      type="button"
      className="button button-quiet button-small item-turn"
      data-control
      tabIndex={-1}
      title={texts.board.showTurn}
      onClick={() => session.reveal({ kind: "turn", id: turn })}
    >
      {texts.board.lastChange}
    </button>
  );
}
