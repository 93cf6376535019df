import { useEffect, useState, type ReactNode } from "react";

import { Icon } from "./icons";
import { texts } from "./texts";

const SHOWN_MS = 2_000;

interface CopyButtonProps {
  readonly text: string;
  /** What it does, for those who do not see it. */
  readonly label: string;
}

/** Copies a text, and says for two seconds whether it did. Over plain HTTP browsers do not allow it. */
export function CopyButton({ text, label }: CopyButtonProps): ReactNode {
  const [outcome, setOutcome] = useState<"copied" | "notCopied" | null>(null);
  useEffect(() => {
    if (outcome === null) return undefined;
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setOutcome("copied");
    } catch {
      setOutcome("notCopied");
    }
  };
  return (
    <>
      <button
        type="button"
        className="icon-button button-small"
        aria-label={label}
        title={label}
        onClick={() => void copy()}
      >
        <Icon name={outcome === "copied" ? "check" : outcome === "notCopied" ? "alert" : "copy"} />
      </button>
      <span role="status" className={outcome === "notCopied" ? "quiet" : "visually-hidden"}>
        {outcome !== null && texts.copying[outcome]}
      </span>
    </>
  );
}
