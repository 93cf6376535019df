import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState, type ReactNode } from "react";

import { initialView, NEW_LIST, nextView } from "../store/board_view";
import type { Edit } from "../store/editing";
import { isFiltering } from "../store/filter";
import { NO_MARKS } from "../store/marks";
import { itemOf } from "../store/overlay";
import { useActions, useAgentState } from "./agent";
import { BoardActs } from "./board_acts";
import { undoable, useClicks } from "./board_clicks";
import { BoardContext, type BoardParts } from "./board_context";
import { useBoardEvents } from "./board_events";
import { keepCurrent, passOn, type Place } from "./board_focus";
import { keepFolds, keptFolds } from "./board_folds";
import { rowCount, useListOf, useMarks, useNow, useShown } from "./board_rows";
import { Nearness } from "./board_window";
import { BoardEditor } from "./BoardEditor";
import { BoardList, OneLine } from "./BoardList";
import { BoardMove } from "./BoardMove";
import { BoardStatus } from "./BoardStatus";
import { BoardTools } from "./BoardTools";
import { isVerified } from "./click_words";
import { Icon } from "./icons";
import { useKey } from "./keyboard";
import { elementIdOf } from "./Revealer";
import { texts } from "./texts";

const WHOLE_ROWS_MAX = 300; // with more, only those near what is seen are in the document
const FIRST_LISTS = 8;
const NO_EDITS: ReadonlyMap<string, Edit> = new Map();

/** All lists, live: verified rows with the person's own clicks over them, and everything that can be done with them. */
export function BoardPanel(): ReactNode {
  const session = useActions();
  const revision = useAgentState(({ board }) => board.revision);
  const stale = useAgentState(({ board }) => board.stale);
  const operations = useAgentState((state) => state.operations);
  const revealed = useAgentState((state) => state.revealed);
  const letters = useAgentState(({ preferences }) => preferences.letterKeys);
  const [view, change] = useReducer(nextView, null, () => initialView(keptFolds()));
  const { clicks, clicked, putAway } = useClicks();
  const [said, setSaid] = useState("");
  const now = useNow();
  const shown = useShown(view, now);
  const latest = operations.get(clicks.all.findLast(({ id }) => !clicks.away.has(id))?.id ?? "") ?? null;
  const listOf = useListOf(shown);
  const marks = useMarks(latest !== null && isVerified(latest) ? latest : null, listOf);
  const board = useRef<HTMLElement>(null);
  const search = useRef<HTMLInputElement>(null);

  const [acts] = useState(
    () =>
      new BoardActs(
        (asked, options) => session.run(asked, options),
        clicked,
        setSaid,
      ),
  );
  const parts = useMemo<BoardParts>(() => ({ acts, change, nearness: new Nearness(), scroller: board }), [acts]);
  const place = useRef<Place | null>(null);
  // The rows of before tell what was next to one that has gone.
  useLayoutEffect(() => {
    if (place.current !== null && board.current !== null) passOn(board.current, place.current, (row) => acts.allAfter(row));
    acts.show(shown);
  });

  useEffect(() => keepFolds(view.folded), [view.folded]);
  // What a receipt points at is shown, whatever is folded or looked for.
  useEffect(() => {
    if (revealed?.kind !== "row") return;
    const { all, wanted } = acts.shown;
    const home = itemOf(all, revealed.id)?.list_id;
    if (home !== undefined) change({ type: "folded", ids: [home], folded: false });
    const isThere = wanted.some(({ list, items }) => list.id === revealed.id || items.some(({ id }) => id === revealed.id));
    if (!isThere) change({ type: "filtered", filter: { text: "", state: "all", due: "any", priority: "any" } });
    change({ type: "wanted", id: revealed.id });
  }, [revealed, acts]);
  const { wanted } = view;
  useLayoutEffect(() => {
    if (wanted === null) return;
    const row = document.getElementById(elementIdOf({ kind: "row", id: wanted.id }));
    row?.scrollIntoView({ block: "nearest" });
    row?.focus({ preventScroll: true });
  }, [wanted]);
  useEffect(() => {
    if (board.current !== null) keepCurrent(board.current);
  });
  useBoardEvents(board, place, parts, { view, undoable: undoable(clicks, operations), letters });

  const hasLists = shown.all.length > 0;
  const [searching, setSearching] = useState<object | null>(null);
  const askForSearch = (): void => {
    session.look("board");
    setSearching({});
  };
  useKey("search", hasLists ? askForSearch : null);
  // After the panel is shown, since what is hidden takes no focus; and before the next key, which is to be searched for.
  useLayoutEffect(() => {
    if (searching !== null) search.current?.select();
  }, [searching]);

  const filtering = isFiltering(view.filter);
  const count = rowCount(shown.wanted);
  const all = rowCount(shown.all);
  const edited = new Set([...view.edits.keys()].map((id) => listOf.get(id)));
  const orphans = [...view.edits].filter(([id]) => !listOf.has(id));
  const folds = shown.all.map(({ list }) => list.id);
  const areFolded = folds.length > 0 && folds.every((id) => view.folded.has(id));

  return (
    <BoardContext value={parts}>
      <section
        className="board"
        aria-label={texts.board.title}
        aria-busy={revision === null}
        tabIndex={-1}
        ref={board}
      >
        <div className="board-top">
          <header className="board-head">
            <h2>{texts.board.title}</h2>
            {revision !== null && (
              <span className="quiet figures" data-testid="revision" data-stale={stale}>
                {stale ? texts.board.catchingUp : texts.board.revision(revision)}
              </span>
            )}
            {shown.all.length > 1 && (
              <button
                type="button"
                className="button button-quiet button-small board-fold"
                onClick={() => change({ type: "folded", ids: folds, folded: !areFolded })}
              >
                {areFolded ? texts.board.expandAll : texts.board.collapseAll}
              </button>
            )}
            {revision !== null && (
              <button type="button" className="button button-small" data-testid="new-list" onClick={() => change({ type: "adding", id: NEW_LIST })}>
                <Icon name="plus" />
                {texts.board.newList}
              </button>
            )}
          </header>
          {hasLists && <BoardTools filter={view.filter} change={change} search={search} count={count} all={all} />}
        </div>
        {view.adding === NEW_LIST && (
          <div className="board-new">
            <OneLine
              label={texts.board.newListName}
              placeholder={texts.board.newListName}
              action={texts.board.add}
              submit={(name) => {
                const id = acts.addList(name);
                change({ type: "added", id });
                change({ type: "adding", id });
              }}
              close={() => change({ type: "adding", id: null })}
            />
          </div>
        )}
        {orphans.map(([id, edit]) => (
          <div key={id} className="board-new">
            <BoardEditor id={id} edit={edit} />
          </div>
        ))}
        {revision === null && <p className="board-empty">{texts.board.waiting}</p>}
        {revision !== null && shown.all.length === 0 && view.adding === null && <p className="board-empty">{texts.board.empty}</p>}
        {filtering && shown.wanted.length === 0 && shown.all.length > 0 && <p className="board-empty">{texts.board.nothingFound}</p>}
        <div className="lists" data-testid="board-of-lists">
          {shown.wanted.map((entry, index) => {
            const { id } = entry.list;
            return (
              <BoardList
                key={id}
                entry={entry}
                marks={marks.get(id) ?? NO_MARKS}
                edits={edited.has(id) ? view.edits : NO_EDITS}
                now={now}
                windowed={all > WHOLE_ROWS_MAX}
                isFirst={index < FIRST_LISTS}
                wanted={wanted !== null && listOf.get(wanted.id) === id ? wanted.id : null}
                isFolded={view.folded.has(id)}
                isFiltering={filtering}
                isRenaming={view.renaming === id}
                isAdding={view.adding === id}
              />
            );
          })}
        </div>
        {view.moving !== null && <BoardMove id={view.moving} lists={shown.all} />}
        <BoardStatus clicks={clicks} operations={operations} putAway={putAway} said={said} />
      </section>
    </BoardContext>
  );
}
