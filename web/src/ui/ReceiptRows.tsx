import type { ReactNode } from "react";
import { useShallow } from "zustand/react/shallow";

import type { Receipt, RowChange } from "../connection/protocol";
import { useActions, useAgentState } from "./agent";
import { idsNamedIn, inOrderOf, rowWords, type FieldChange, type RowWords } from "./row_words";
import { texts } from "./texts";

/** What was changed, as far as the receipt's verdict says so; and what somebody else changed. */
export function ReceiptRows({ receipt }: { readonly receipt: Receipt }): ReactNode {
  return (
    <>
      {receipt.truncated && <p className="quiet">{texts.receipt.truncated}</p>}
      <Changes receipt={receipt} />
      <Rows changes={receipt.others.changes} title={texts.receipt.others} of="others" />
    </>
  );
}

function Changes({ receipt }: { readonly receipt: Receipt }): ReactNode {
  const expected = inOrderOf(receipt.operations, receipt.expected.changes);
  const observed = inOrderOf(receipt.operations, receipt.observed.changes);
  switch (receipt.verdict) {
    case "confirmed":
      return <Rows changes={observed} title={texts.receipt.changed} of="observed" />;
    case "refuted":
      return <Comparison expected={expected} observed={observed} />;
    case "unknown":
      return <Rows changes={expected} title={texts.receipt.notRead} of="expected" />;
    case null:
      return null;
  }
}

interface RowsProps {
  readonly changes: readonly RowChange[];
  readonly title: string;
  readonly of: "observed" | "expected" | "others";
}

function Rows({ changes, title, of }: RowsProps): ReactNode {
  if (changes.length === 0) return null;
  return (
    <div className="rows" data-testid={`receipt-${of}`}>
      <span className="caption">{title}</span>
      <ul>
        {changes.map((change) => (
          <Row key={change.id} change={change} />
        ))}
      </ul>
    </div>
  );
}

interface ComparisonProps {
  readonly expected: readonly RowChange[];
  readonly observed: readonly RowChange[];
}

/** Row by row what should be there and what is. */
function Comparison({ expected, observed }: ComparisonProps): ReactNode {
  const wanted = new Map(expected.map((change) => [change.id, change]));
  const seen = new Map(observed.map((change) => [change.id, change]));
  return (
    <ul className="pairs" data-testid="receipt-comparison">
      {[...new Set([...wanted.keys(), ...seen.keys()])].map((id) => {
        const [one, other] = [wanted.get(id), seen.get(id)];
        const isAsExpected = one !== undefined && other !== undefined && JSON.stringify(one) === JSON.stringify(other);
        return (
          <li className="pair" key={id} data-testid="receipt-pair" data-matches={isAsExpected}>
            <Side title={texts.receipt.expected} change={one} empty={texts.receipt.unexpected} />
            <Side title={texts.receipt.observed} change={other} empty={texts.receipt.missing} />
          </li>
        );
      })}
    </ul>
  );
}

interface SideProps {
  readonly title: string;
  readonly change: RowChange | undefined;
  readonly empty: string;
}

function Side({ title, change, empty }: SideProps): ReactNode {
  return (
    <div className="side">
      <span className="caption">{title}</span>
      {change === undefined ? <p className="row row-empty">{empty}</p> : <ul>{<Row change={change} />}</ul>}
    </div>
  );
}

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

/** Renders again only when a row that it names is called differently, not with each change of the board. */
function Row({ change }: { readonly change: RowChange }): ReactNode {
  const session = useActions();
  const names = useAgentState(
    useShallow(({ board }) => {
      const named = idsNamedIn(change).map((id) => [id, board.lists.get(id)?.name ?? board.items.get(id)?.title] as const);
      return new Map(named.flatMap(([id, name]) => (name === undefined ? [] : [[id, name] as const])));
    }),
  );
  const isPointed = useAgentState((state) => state.pointed === change.id);
  const words = rowWords(change, names);
  if (words === null) return null;
  const { id } = change;
  return (
    <li
      className="row"
      data-testid="receipt-row"
      data-kind={words.kind}
      data-row-id={id}
      data-pointed={isPointed}
      onPointerEnter={() => session.point(id)}
      onPointerLeave={() => session.point(null)}
    >
      <span className="row-sign" aria-hidden="true">
        {SIGNS[words.kind]}
      </span>
      <span className="visually-hidden">{texts.receipt.kinds[words.kind]} </span>
      <span className="row-body">
        <Title id={id} title={words.title} /> <Where list={words.list} />
        {words.fields.length > 0 && (
          <span className="row-fields">
            {words.fields.map((field) => (
              <Field key={field.field} change={field} />
            ))}
          </span>
        )}
      </span>
    </li>
  );
}

/** A row that is on the board leads there. */
function Title({ id, title }: { readonly id: string; readonly title: string }): ReactNode {
  const session = useActions();
  const isThere = useAgentState(({ board }) => board.lists.has(id) || board.items.has(id));
  if (!isThere) return <bdi className="row-title">{title}</bdi>;
  return (
    <button
      type="button"
      className="row-title row-link"
      data-testid="receipt-link"
      aria-label={texts.receipt.show(title)}
      onFocus={() => session.point(id)}
      onBlur={() => session.point(null)}
      onClick={() => session.reveal({ kind: "row", id })}
    >
      <bdi>{title}</bdi>
    </button>
  );
}

function Where({ list }: Pick<RowWords, "list">): ReactNode {
  return (
    <span className="quiet">
      {list === null ? (
        texts.receipt.list
      ) : (
        <>
          {texts.receipt.in} <bdi>{list}</bdi>
        </>
      )}
    </span>
  );
}

function Field({ change: { field, before, after } }: { readonly change: FieldChange }): ReactNode {
  return (
    <span className="row-field">
      <span className="quiet">{field}</span> {before !== null && <del dir="auto">{before}</del>}
      {before !== null && after !== null && <span aria-hidden="true">{" → "}</span>}
      {after !== null && <ins dir="auto">{after}</ins>}
    </span>
  );
}
