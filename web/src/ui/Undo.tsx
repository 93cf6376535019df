import type { ReactNode } from "react";
import { useShallow } from "zustand/react/shallow";

import type { OperationsCompleted, Receipt } from "../connection/protocol";
import type { OperationState } from "../store/operations";
import { changeAfter, changeMadeBy, isTurn, isUndo, undoLinksOf, type UndoLink } from "../store/undoing";
import { useActions, useAgentState } from "./agent";
import { faceOf, isVerified } from "./faces";
import { Icon } from "./icons";
import { ReceiptDetails } from "./ReceiptDetails";
import { ReceiptHead } from "./ReceiptHead";
import { ReceiptRows } from "./ReceiptRows";
import { texts } from "./texts";
import { reasonWords } from "./words";

const { undo: WORDS } = texts.receipt;
/** An undo of an undo makes the change again, and is called so. */
const DIRECTIONS = {
  undo: { ...WORDS.undo, icon: "undo" },
  redo: { ...WORDS.redo, icon: "redo" },
} as const;
type Direction = (typeof DIRECTIONS)[keyof typeof DIRECTIONS];

interface UndoProps {
  readonly receipt: Receipt;
  readonly changeId: string;
  /** What stands beside the button. */
  readonly children: ReactNode;
}

/** Takes a verified change back, as a change of its own with its own receipt, which can be taken back in turn. */
export function Undo({ receipt, changeId, children }: UndoProps): ReactNode {
  const links = useAgentState(useShallow((state) => undoLinksOf(state.operations, state.log, changeId)));
  const last = links.at(-1);
  const directionOf = (place: number): Direction => ((place % 2 === 0) === isUndo(receipt) ? DIRECTIONS.redo : DIRECTIONS.undo);
  const made = links.filter((link) => changeMadeBy(link) !== null).length;
  return (
    <div className="undo">
      {links.map((link, place) => (
        <Link key={isTurn(link) ? link.turn_id : link.id} link={link} direction={directionOf(place)} isLast={link === last} />
      ))}
      <p className="visually-hidden" role="status" data-testid="undo-announced">
        {last !== undefined && !isTurn(last) && endInWords(last, directionOf(links.length - 1))}
      </p>
      <div className="receipt-foot">
        {/* One element throughout, so that it keeps the focus. A turn has one on its own card. */}
        {(last === undefined || !isTurn(last)) && (
          <UndoButton last={last} changeId={changeAfter(links, changeId)} direction={directionOf(made)} />
        )}
        {children}
      </div>
    </div>
  );
}

/** One announcement an undo, when it has ended. */
function endInWords(state: OperationState, direction: Direction): string {
  if (state.status === "running") return "";
  if (state.status === "failed") return `${state.doubtful ? "" : `${direction.not}. `}${reasonWords(state.reason)}`;
  return `${titleOf(state.result, direction)}. ${state.result.text}`;
}

/** The face in words, of an undo: "Undone · Verified". */
function titleOf(result: OperationsCompleted, direction: Direction): string {
  return `${isVerified(result) ? direction.done : direction.not} · ${faceOf(result).label}`;
}

interface UndoButtonProps {
  readonly last: OperationState | undefined;
  readonly changeId: string;
  readonly direction: Direction;
}

function UndoButton({ last, changeId, direction }: UndoButtonProps): ReactNode {
  const session = useActions();
  // Somebody else has taken it back.
  if (last?.status === "completed" && last.result.outcome === "already_so") return null;
  const isRunning = last?.status === "running";
  const hasFailed = last !== undefined && !isRunning && changeMadeBy(last) === null;
  return (
    <button
      type="button"
      className="button button-small"
      data-testid="undo"
      aria-disabled={isRunning}
      aria-busy={isRunning}
      onClick={() => {
        if (!isRunning) session.run([{ op: "undo_change", change_id: changeId }]);
      }}
    >
      <Icon name={direction.icon} />
      {isRunning ? direction.running : hasFailed ? WORDS.again : direction.name}
    </button>
  );
}

interface LinkProps {
  readonly link: UndoLink;
  readonly direction: Direction;
  /** Others are history, and told in a line. */
  readonly isLast: boolean;
}

function Link({ link, direction, isLast }: LinkProps): ReactNode {
  const session = useActions();
  if (isTurn(link)) {
    return (
      <Line direction={direction} result={link}>
        {WORDS.byTurn}
        <button type="button" className="link" data-testid="show-turn" onClick={() => session.reveal({ kind: "turn", id: link.turn_id })}>
          {WORDS.showTurn}
        </button>
      </Line>
    );
  }
  switch (link.status) {
    case "running":
      return link.problem === null ? null : <p className="quiet">{texts.turn.asking}</p>;
    case "failed":
      return (
        <p className="problem" data-testid="undo-problem" data-code={link.reason.code}>
          <span>
            {!link.doubtful && <strong>{`${direction.not}. `}</strong>}
            {reasonWords(link.reason)}
          </span>
        </p>
      );
    case "completed":
      return isLast ? <Result result={link.result} direction={direction} /> : <Line direction={direction} result={link.result} />;
  }
}

interface LineProps {
  readonly direction: Direction;
  readonly result: Pick<OperationsCompleted, "receipt">;
  readonly children?: ReactNode;
}

function Line({ direction, result, children }: LineProps): ReactNode {
  const { revision_before: before, revision_after: after } = result.receipt;
  return (
    <p className="undo-line" data-testid="undo-line">
      <Icon name={direction.icon} />
      <strong>{direction.done}</strong> {children}
      {before !== null && after !== null && <span className="revisions">{`r${before} → r${after}`}</span>}
    </p>
  );
}

/** The undo's own receipt. */
function Result({ result, direction }: { readonly result: OperationsCompleted; readonly direction: Direction }): ReactNode {
  const { receipt } = result;
  const face = faceOf(result);
  const title = titleOf(result, direction);
  return (
    <div role="group" className="undo-receipt" data-testid="undo-receipt" data-tone={face.tone} data-face={face.name} aria-label={title}>
      <p className="undo-text" data-testid="undo-text" dir="auto">
        {result.text}
      </p>
      <ReceiptHead face={{ ...face, label: title }} receipt={receipt} />
      <ReceiptRows receipt={receipt} />
      <ReceiptDetails
        receipt={receipt}
        reason={result.reason}
        traceId={receipt.trace_id}
        of={[texts.receipt.details.operation, result.operation_id]}
      />
    </div>
  );
}
