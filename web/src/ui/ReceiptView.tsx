import { memo, type ReactNode } from "react";

import type { Diff, Receipt, TurnCompleted } from "../connection/protocol";
import type { Turn } from "../store/turns";
import { useAgentState } from "./agent";
import { ModelName } from "./Header";
import { faceOf, rowWords, type RowWords } from "./words";

interface ReceiptProps {
  readonly completed: TurnCompleted;
  readonly turn: Turn;
}

/** What was understood, what the second read saw, and what it says of the plan. */
export const ReceiptView = memo(function ReceiptView({ completed, turn }: ReceiptProps): ReactNode {
  const { receipt, outcome } = completed;
  const face = faceOf(outcome, receipt);
  return (
    <section className="receipt" data-testid="receipt" data-tone={face.tone} aria-label="Receipt">
      <p className="receipt-head">
        <span className="badge" data-testid="verdict" data-verdict={receipt.verdict ?? "none"} data-tone={face.tone}>
          {face.label}
        </span>
        <span className="quiet">{face.note}</span>
        <Revisions receipt={receipt} />
      </p>
      {receipt.understood.length > 0 && <Understood steps={receipt.understood} />}
      <Changes receipt={receipt} />
      <Rows diff={receipt.others} title="Changed by somebody else meanwhile" />
      <Details receipt={receipt} turn={turn} reason={completed.reason} />
    </section>
  );
});

function Understood({ steps }: { readonly steps: readonly string[] }): ReactNode {
  return (
    <div className="understood">
      <span className="caption">Understood as</span>
      <ol>
        {steps.map((step, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- two steps can read the same, and they never move
          <li key={index}>{step}</li>
        ))}
      </ol>
    </div>
  );
}

function Changes({ receipt }: { readonly receipt: Receipt }): ReactNode {
  switch (receipt.verdict) {
    case "confirmed":
      return <Rows diff={receipt.observed} title="Changed" />;
    case "refuted":
      return (
        <>
          <Rows diff={receipt.expected} title="Expected" />
          <Rows diff={receipt.observed} title="The database shows" empty="no change" />
        </>
      );
    case "unknown":
      return <Rows diff={receipt.expected} title="Expected, not read back" />;
    case null:
      return null;
  }
}

function Revisions({ receipt }: { readonly receipt: Receipt }): ReactNode {
  const { revision_before: before, revision_after: after } = receipt;
  if (before === null || after === null) return null;
  return (
    <span className="revisions" title="Revision of your lists, before and after">
      {before === after ? `r${after}` : `r${before} → r${after}`}
    </span>
  );
}

interface RowsProps {
  readonly diff: Diff;
  readonly title: string;
  readonly empty?: string;
}

function Rows({ diff, title, empty }: RowsProps): ReactNode {
  const { lists, items } = useAgentState((state) => state.board);
  if (diff.changes.length === 0 && empty === undefined) return null;
  const names = {
    list: (id: string): string => lists.get(id)?.name ?? "another list",
    item: (id: string): string => items.get(id)?.title ?? "another item",
  };
  return (
    <div className="rows">
      <span className="caption">{title}</span>
      {diff.changes.length === 0 && <p className="quiet">{empty}</p>}
      <ul>
        {diff.changes.map((change) => {
          const words = rowWords(change, names);
          return words === null ? null : <Row key={change.id} words={words} />;
        })}
      </ul>
    </div>
  );
}

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

function Row({ words }: { readonly words: RowWords }): ReactNode {
  return (
    <li className="row" data-testid="receipt-row" data-kind={words.kind}>
      <span className="row-sign" aria-hidden="true">
        {SIGNS[words.kind]}
      </span>
      <span className="visually-hidden">{words.kind} </span>
      <span className="row-body">
        <span className="row-title">{words.title}</span> <span className="quiet">{words.place}</span>
        {words.fields.map(({ field, before, after }) => (
          <span className="row-field" key={field}>
            <span className="quiet">{field}</span> {before !== null && <del>{before}</del>}
            <span aria-hidden="true"> → </span>
            <ins>{after}</ins>
          </span>
        ))}
      </span>
    </li>
  );
}

interface DetailsProps {
  readonly receipt: Receipt;
  readonly turn: Turn;
  readonly reason: string | null;
}

function Details({ receipt, turn, reason }: DetailsProps): ReactNode {
  const { model, timings } = receipt;
  const facts: readonly (readonly [string, string | null])[] = [
    ["Reason", reason],
    ["Model", model?.name ?? null],
    ["Model calls", model === null ? null : String(model.calls)],
    ["Total", timings.total === null ? null : `${Math.round(timings.total)} ms`],
    ["Attempt", receipt.attempt > 1 ? String(receipt.attempt) : null],
    ["Trace", receipt.trace_id ?? turn.traceId],
    ["Change", receipt.change_id],
    ["Turn", turn.id],
  ];
  return (
    <details className="details">
      <summary>Details {model !== null && <ModelName name={model.name} />}</summary>
      <dl>
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
    </details>
  );
}
