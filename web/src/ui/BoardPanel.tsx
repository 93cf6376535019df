import { memo, useMemo, type ReactNode } from "react";

import type { TodoItem } from "../connection/protocol";
import { inOrder, type ListOnBoard } from "../store/board";
import { useAgentState } from "./agent";
import { dueWords } from "./words";

/** The lists as the server tells them, change by change. */
export function BoardPanel(): ReactNode {
  const { lists, items, revision, touched, stale } = useAgentState((state) => state.board);
  const ordered = useMemo(() => inOrder(lists, items), [lists, items]);
  return (
    <section className="board" aria-label="Lists" aria-busy={revision === null}>
      <header className="board-head">
        <h2>Lists</h2>
        {revision !== null && (
          <span className="quiet" data-testid="revision">
            {stale ? "catching up" : `revision ${revision}`}
          </span>
        )}
      </header>
      {revision === null && <p className="board-empty">Your lists appear here once the page is connected.</p>}
      {revision !== null && ordered.length === 0 && <p className="board-empty">No lists yet. Ask for one in the chat.</p>}
      <div className="lists">
        {ordered.map((entry) => (
          <ListCard key={entry.list.id} entry={entry} touched={touched} />
        ))}
      </div>
    </section>
  );
}

interface ListCardProps {
  readonly entry: ListOnBoard;
  readonly touched: ReadonlySet<string>;
}

function ListCard({ entry: { list, items }, touched }: ListCardProps): ReactNode {
  const open = items.filter((item) => !item.done).length;
  return (
    <article className="list" data-testid="list" data-list-name={list.name} data-touched={touched.has(list.id)}>
      <header className="list-head">
        <h3>
          <bdi>{list.name}</bdi>
        </h3>
        <span className="quiet">{items.length === 0 ? "empty" : `${open} open of ${items.length}`}</span>
      </header>
      {items.length > 0 && (
        <ul>
          {items.map((item) => (
            <ItemRow key={item.id} item={item} touched={touched.has(item.id)} />
          ))}
        </ul>
      )}
    </article>
  );
}

interface ItemRowProps {
  readonly item: TodoItem;
  readonly touched: boolean;
}

const ItemRow = memo(function ItemRow({ item, touched }: ItemRowProps): ReactNode {
  return (
    <li className="item" data-testid="item" data-done={item.done} data-touched={touched}>
      <span className="item-mark" role="img" aria-label={item.done ? "done" : "open"} />
      <span className="item-body">
        <bdi className="item-title">{item.title}</bdi>
        {item.notes !== "" && <bdi className="item-notes quiet">{item.notes}</bdi>}
      </span>
      <span className="item-tags">
        {item.priority !== "none" && (
          <span className="tag" data-priority={item.priority}>
            {item.priority}
          </span>
        )}
        {item.due !== null && <span className="tag">{dueWords(item.due)}</span>}
      </span>
    </li>
  );
});
