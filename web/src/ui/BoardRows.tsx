import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";

import type { TodoItem } from "../connection/protocol";
import type { Edit } from "../store/editing";
import { markOf, type Marks } from "../store/marks";
import { useBoard } from "./board_context";
import { BoardItem } from "./BoardItem";

const CHUNK_ROWS = 50;
export const ROW_PX = 41; // a row of one line, until it has been seen once

export interface BoardRowsProps {
  readonly items: readonly TodoItem[];
  readonly marks: Marks;
  readonly edits: ReadonlyMap<string, Edit>;
  readonly now: Date;
  /** Whether rows that are far from what is seen are left out. */
  readonly windowed: boolean;
  /** A row that has to be there, however far it is. */
  readonly wanted: string | null;
}

/** The rows of a list that is near; those of a long one in chunks, each of which has to be near itself. */
export function BoardRows(props: BoardRowsProps): ReactNode {
  const { items, windowed } = props;
  if (!windowed || items.length <= CHUNK_ROWS) return <ul className="rows-of-list">{items.map((item) => row(item, props))}</ul>;
  const chunks = Array.from({ length: Math.ceil(items.length / CHUNK_ROWS) }, (_, index) =>
    items.slice(index * CHUNK_ROWS, (index + 1) * CHUNK_ROWS),
  );
  return chunks.map((chunk, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- a chunk is a place in the list, whatever rows are there
    <Chunk key={index} {...props} items={chunk} isFirst={index === 0} />
  ));
}

function row(item: TodoItem, { marks, edits, now }: BoardRowsProps): ReactNode {
  return <BoardItem key={item.id} item={item} mark={markOf(marks, item.id)} edit={edits.get(item.id) ?? null} now={now} />;
}

function Chunk(props: BoardRowsProps & { readonly isFirst: boolean }): ReactNode {
  const { items, isFirst, wanted } = props;
  const list = useRef<HTMLUListElement>(null);
  const { isNear, height } = useNear(list, isFirst);
  const isShown = isNear || (wanted !== null && items.some(({ id }) => id === wanted));
  const blockSize = isShown ? "auto" : `${height ?? items.length * ROW_PX}px`;
  return (
    <ul className="rows-of-list" ref={list} style={{ blockSize }}>
      {isShown && items.map((item) => row(item, props))}
    </ul>
  );
}

/** Whether an element is near what is seen, and how high it was when it was last. */
export function useNear(element: RefObject<HTMLElement | null>, isFirst: boolean): { readonly isNear: boolean; readonly height: number | null } {
  const { nearness, scroller } = useBoard();
  const [isNear, setNear] = useState(isFirst);
  const [height, setHeight] = useState<number | null>(null);
  useEffect(() => {
    const node = element.current;
    if (node === null) return undefined;
    return nearness.watch(scroller.current, node, (near) => {
      // What has the focus stays, however far it is scrolled away.
      const stays = near || node.contains(document.activeElement);
      if (!stays) setHeight(node.offsetHeight);
      setNear(stays);
    });
  }, [element, nearness, scroller]);
  return { isNear, height };
}
