import { memo, type ReactNode } from "react";
import { useShallow } from "zustand/react/shallow";

import type { Diff, Receipt, RowChange, TurnCompleted } from "../connection/protocol";
import type { Turn } from "../store/turns";
import { useAgentState } from "./agent";
import { ModelName } from "./Header";
import { faceOf, idsNamedIn, rowWords, type FieldChange } from "./words";

interface ReceiptProps {
  readonly completed: TurnCompleted;
  readonly turn: Turn;
}

/** What was understood, what the second read saw, and what it says of the plan. */
export const ReceiptView = memo(function ReceiptView({ completed, turn }: ReceiptProps): ReactNode {
  const { receipt } = completed;
  const face = faceOf(completed);
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
      {receipt.truncated && <p className="quiet">This receipt is too large to show whole.</p>}
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
          <li key={index} dir="auto">
            {step}
          </li>
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
  if (diff.changes.length === 0 && empty === undefined) return null;
  return (
    <div className="rows">
      <span className="caption">{title}</span>
      {diff.changes.length === 0 && <p className="quiet">{empty}</p>}
      <ul>
        {diff.changes.map((change) => (
          <Row key={change.id} change={change} />
        ))}
      </ul>
    </div>
  );
}

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

/** Renders again only when a row that it names is called differently, not with each change of the board. */
function Row({ change }: { readonly change: RowChange }): ReactNode {
  const names = useAgentState(
    useShallow(({ board }) => {
      const named = idsNamedIn(change).map((id) => [id, board.lists.get(id)?.name ?? board.items.get(id)?.title] as const);
      return new Map(named.flatMap(([id, name]) => (name === undefined ? [] : [[id, name] as const])));
    }),
  );
  const words = rowWords(change, names);
  if (words === null) return null;
  return (
    <li className="row" data-testid="receipt-row" data-kind={words.kind}>
      <span className="row-sign" aria-hidden="true">
        {SIGNS[words.kind]}
      </span>
      <span className="visually-hidden">{words.kind} </span>
      <span className="row-body">
        <bdi className="row-title">{words.title}</bdi>{" "}
        <span className="quiet">{words.list === null ? "list" : <>in <bdi>{words.list}</bdi></>}</span>
        {words.fields.map((field) => (
          <Field key={field.field} change={field} />
        ))}
      </span>
    </li>
  );
}

function Field({ change: { field, before, after } }: { readonly change: FieldChange }): ReactNode {
  return (
    <span className="row-field">
      <span className="quiet">{field}</span> {before !== null && <del dir="auto">{before}</del>}
      {before !== null && after !== null && <span aria-hidden="true"> → </span>}
      {after !== null && <ins dir="auto">{after}</ins>}
    </span>
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
