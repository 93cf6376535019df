import { useEffect, useLayoutEffect, useRef, type ReactNode } from "react";

import type { Operations } from "../store/operations";
import { useAgentState } from "./agent";
import type { Click } from "./board_acts";
import type { Clicks, ClicksKept } from "./board_clicks";
import { useBoard } from "./board_context";
import { clickWords, faceOfClick, isGood, isVerified, isWorthRepeating } from "./click_words";
import { Icon } from "./icons";
import { texts } from "./texts";

const SHOWN_MS = 12_000;
const PROBLEMS_SHOWN = 3;

interface BoardStatusProps {
  readonly clicks: Clicks;
  readonly operations: Operations;
  readonly putAway: ClicksKept["putAway"];
  /** What was done that no server has to confirm. */
  readonly said: string;
}

/** What became of the person's clicks: the newest, and each one that came to anything else than was asked for. */
export function BoardStatus({ clicks, operations, putAway, said }: BoardStatusProps): ReactNode {
  const told = clicks.all.filter(({ id }) => !clicks.away.has(id));
  const problems = told.filter(({ id }) => {
    const state = operations.get(id);
    return state !== undefined && state.status !== "running" && !isGood(state);
  });
  const latest = told.at(-1);
  const isLatestBad = latest !== undefined && problems.includes(latest);
  return (
    <section className="board-status" aria-label={texts.board.status}>
      <p className="visually-hidden" role="status" data-testid="board-announced">
        {announced(clicks.all.at(-1), operations)}
      </p>
      <p className="visually-hidden" role="status">
        {said}
      </p>
      {problems.slice(-PROBLEMS_SHOWN).map((click) => (
        <Problem key={click.id} click={click} operations={operations} putAway={putAway} />
      ))}
      {latest !== undefined && !isLatestBad && <Latest key={latest.id} click={latest} operations={operations} putAway={putAway} />}
    </section>
  );
}

/** One announcement a click, when it has ended. It stays when the line goes: another text would be read out. */
function announced(click: Click | undefined, operations: Operations): string {
  const state = click === undefined ? undefined : operations.get(click.id);
  if (state === undefined || state.status === "running") return "";
  return isVerified(state) ? `${clickWords(state)} ${texts.board.verified}.` : clickWords(state);
}

type LineProps = Omit<BoardStatusProps, "clicks" | "said"> & { readonly click: Click };

function Latest({ click, operations, putAway }: LineProps): ReactNode {
  const { acts } = useBoard();
  const connected = useAgentState(({ connection }) => connection.name === "connected");
  const line = useRef<HTMLDivElement>(null);
  const state = operations.get(click.id);
  const isDone = state?.status === "completed";
  const newest = useRef(operations);
  useLayoutEffect(() => {
    newest.current = operations;
  });
  useEffect(() => {
    if (!isDone) return undefined;
    const timer = setInterval(() => {
      // Nobody loses a button that they are about to press.
      if (line.current?.matches(":hover, :focus-within") !== true) putAway(click.id, newest.current);
    }, SHOWN_MS);
    return () => clearInterval(timer);
  }, [isDone, click.id, putAway]);
  if (state === undefined) return null;
  const running = state.status === "running" ? state : null;
  const waiting = connected ? running?.problem && texts.board.askingAgain : texts.board.waitingForConnection;
  const change = state.status === "completed" ? state.result.receipt.change_id : null;
  return (
    <div className="toast board-line" data-testid="board-line" data-state={state.status} data-tone={isVerified(state) ? "good" : undefined} ref={line}>
      {running === null ? (
        <>
          <span className="board-line-words">{clickWords(state)}</span>
          <Proof click={click} operations={operations} />
        </>
      ) : (
        <span className="board-line-words">
          {click.words}
          {waiting !== null && <span className="quiet"> {waiting}</span>}
        </span>
      )}
      {change !== null && (
        <button type="button" className="button button-quiet button-small" onClick={() => acts.undo(change)}>
          <Icon name="undo" />
          {texts.board.undo}
        </button>
      )}
      {running === null && <Dismiss click={click} operations={operations} putAway={putAway} />}
    </div>
  );
}

function Proof({ click, operations }: Pick<LineProps, "click" | "operations">): ReactNode {
  const state = operations.get(click.id);
  if (state?.status !== "completed") return null;
  if (!isVerified(state)) return <span className="board-proof quiet">{texts.board.alreadySo}</span>;
  const { revision_after: revision } = state.result.receipt;
  return (
    <span className="board-proof" data-testid="board-proof">
      <Icon name="check" />
      {texts.board.verified}
      {revision !== null && <span className="mono">{` r${revision}`}</span>}
    </span>
  );
}

function Problem({ click, operations, putAway }: LineProps): ReactNode {
  const { acts } = useBoard();
  const state = operations.get(click.id);
  if (state === undefined) return null;
  const face = faceOfClick(state);
  return (
    <div className="toast board-line" data-testid="board-problem" data-tone={face?.tone ?? "bad"}>
      <Icon name={face?.icon ?? "alert"} />
      <span className="board-line-words">
        <span className="quiet">{`${click.words}: `}</span>
        {clickWords(state)}
      </span>
      {isWorthRepeating(state) && (
        <button
          type="button"
          className="button button-small"
          onClick={() => {
            putAway(click.id, operations);
            acts.again(click);
          }}
        >
          {texts.board.again}
        </button>
      )}
      <Dismiss click={click} operations={operations} putAway={putAway} />
    </div>
  );
}

function Dismiss({ click, operations, putAway }: LineProps): ReactNode {
  return (
    <button type="button" className="icon-button button-small" aria-label={texts.board.dismiss} onClick={() => putAway(click.id, operations)}>
      <Icon name="close" />
    </button>
  );
}
