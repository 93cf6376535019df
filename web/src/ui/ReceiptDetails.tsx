import { useState, type ReactNode } from "react";

import type { Receipt } from "../connection/protocol";
import { CopyButton } from "./CopyButton";
import { ModelName } from "./Header";
import { texts } from "./texts";
import { duration } from "./words";

const { details: WORDS } = texts.receipt;
const LAPS = ["queued", "plan", "model", "execute", "confirm", "total"] as const;

interface ReceiptDetailsProps {
  readonly receipt: Receipt;
  readonly reason: string | null;
  readonly traceId: string | null;
  /** What it is the receipt of, and its id. */
  readonly of: readonly [kind: string, id: string];
}

/** Everything that the receipt holds, for those who want to know. Made only when it is opened: a receipt can be large. */
export function ReceiptDetails(props: ReceiptDetailsProps): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  const { model } = props.receipt;
  return (
    <details className="details" data-testid="details" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>
        {WORDS.name} {model !== null && <ModelName name={model.name} />}
      </summary>
      {isOpen && <Opened {...props} />}
    </details>
  );
}

function Opened({ receipt, reason, traceId, of: [kind, id] }: ReceiptDetailsProps): ReactNode {
  const facts: readonly (readonly [string, string | null])[] = [
    [WORDS.reason, reason],
    [WORDS.model, modelWords(receipt)],
    [WORDS.times, timesWords(receipt)],
    [WORDS.attempt, String(receipt.attempt)],
    [WORDS.change, receipt.change_id],
    [kind, id],
  ];
  const json = JSON.stringify(receipt, null, 2);
  return (
    <>
      <dl>
        {traceId !== null && (
          <div>
            <dt>{WORDS.trace}</dt>
            <dd>
              <span data-testid="trace-id">{traceId}</span> <CopyButton text={traceId} label={WORDS.copyTrace} />
            </dd>
          </div>
        )}
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      <div className="json-head">
        <span className="caption">{WORDS.json}</span>
        <CopyButton text={json} label={WORDS.copyJson} />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls, so the keyboard has to reach it */}
      <pre className="json" data-testid="receipt-json" dir="ltr" role="group" tabIndex={0} aria-label={WORDS.json}>
        {json}
      </pre>
    </>
  );
}

function modelWords({ model }: Receipt): string {
  if (model === null) return WORDS.noModel;
  const { name, calls, prompt_tokens: prompt, completion_tokens: completion } = model;
  const tokens = prompt === null || completion === null ? [] : [WORDS.tokens(String(prompt), String(completion))];
  return [name, WORDS.calls(calls), ...tokens].join(", ");
}

function timesWords({ timings }: Receipt): string | null {
  const laps = LAPS.flatMap((lap) => {
    const ms = timings[lap];
    return ms === null ? [] : [`${WORDS.laps[lap]} ${duration(ms)}`];
  });
  return laps.length === 0 ? null : laps.join(" · ");
}
