import type { ReactNode } from "react";

import type { Receipt } from "../connection/protocol";
import type { Face } from "./faces";
import { Icon } from "./icons";
import { texts } from "./texts";

/** The face: a sign, a word, what it means, and what to do now. */
export function ReceiptHead({ face, receipt }: { readonly face: Face; readonly receipt: Receipt }): ReactNode {
  return (
    <header className="receipt-head">
      <span className="badge" data-testid="verdict" data-verdict={receipt.verdict ?? "none"} data-tone={face.tone}>
        <Icon name={face.icon} />
        {face.label}
      </span>
      <Revisions receipt={receipt} />
      <p className="receipt-note">
        {face.note}
        {face.next !== null && <span className="receipt-next"> {face.next}</span>}
      </p>
    </header>
  );
}

function Revisions({ receipt }: { readonly receipt: Receipt }): ReactNode {
  const { revision_before: before, revision_after: after } = receipt;
  if (before === null || after === null) return null;
  return (
    <span className="revisions" data-testid="revisions" title={texts.receipt.revisions}>
      {before === after ? `r${after}` : `r${before} → r${after}`}
    </span>
  );
}
