import { useState, type ReactNode } from "react";

import type { ModelState } from "../connection/protocol";
import { refusalOf } from "../connection/state";
import { useActions, useAgentState } from "./agent";
import { useSecondsUntil } from "./clock";
import { passFocusToComposer } from "./Composer";
import { lossWords, mendingWords, nextWords, wayBack, type Way } from "./connection_words";
import { Icon, type IconName } from "./icons";
import { MODEL_DETAILS_ID, useModelWords } from "./ModelChip";
import { texts } from "./texts";
import { reasonWords, type Tone } from "./words";

const words = texts.connection;

/** What is wrong with the connection or the model, and problems that concern no turn. */
export function Notices(): ReactNode {
  const notice = useAgentState((state) => state.notice);
  const signInEnds = useAgentState((state) => state.signInEnds);
  const session = useActions();
  return (
    <div className="notices">
      <ConnectionNotice />
      {notice !== null && (
        <Notice tone="warn" isAlert says={reasonWords(notice)}>
          <Action label={words.dismiss} act={() => session.dismissNotice()} />
        </Notice>
      )}
      {/* A region that comes with its words in it is not read out everywhere, so these are always there. */}
      <div role="status">
        <ModelNotice />
      </div>
      <div role="status">
        {signInEnds !== null && (
          <Notice tone="plain" icon="clock" says={words.signInEnds(signInEnds)}>
            <Action label={words.dismiss} act={() => session.dismissSignIn()} />
          </Notice>
        )}
      </div>
    </div>
  );
}

/** Said aloud by the ConnectionAnnouncer. */
function ConnectionNotice(): ReactNode {
  const connection = useAgentState((state) => state.connection);
  const online = useAgentState((state) => state.online);
  const seconds = useSecondsUntil(useAgentState((state) => state.nextAttemptAt));
  const session = useActions();
  const refusal = refusalOf(connection);
  if (refusal !== null) {
    const { label, way } = wayBack(refusal);
    const ways: Readonly<Record<Way, () => void>> = {
      retry: () => session.connect(),
      reload: () => location.reload(),
      any_way: () => session.line.setRelayOnly(false),
    };
    return (
      <Notice tone="warn" says={lossWords(refusal)}>
        <Action label={label} act={ways[way]} />
      </Notice>
    );
  }
  const why = mendingWords(connection, online);
  if (why === null) return null;
  const isServed = connection.name === "connected" || why === words.offline;
  return (
    <Notice tone="warn" says={why} kept={isServed ? "" : words.kept} aside={nextWords(connection, seconds)}>
      <Action label={words.now} act={() => session.connect()} />
    </Notice>
  );
}

function ModelNotice(): ReactNode {
  const state = useAgentState((agent) => agent.model?.state ?? null);
  const model = useModelWords();
  const [dismissed, setDismissed] = useState<ModelState | null>(null);
  // What comes back after it was gone is news again.
  if (dismissed !== null && state !== null && state !== dismissed) setDismissed(null);
  if (model?.isWanting !== true || state === null || state === dismissed) return null;
  return (
    <Notice tone={state === "loading" ? "info" : "warn"} icon={state === "loading" ? "clock" : "alert"} says={`${model.label}. ${model.says}`}>
      <button type="button" className="button button-small" popoverTarget={MODEL_DETAILS_ID}>
        {texts.model.whatToDo}
      </button>
      <Action label={words.dismiss} act={() => setDismissed(state)} />
    </Notice>
  );
}

function Action({ label, act }: { readonly label: string; readonly act: () => void }): ReactNode {
  return (
    <button type="button" className="button button-small" onClick={act} ref={passFocusToComposer}>
      {label}
    </button>
  );
}

interface NoticeProps {
  readonly tone: Tone;
  readonly says: string;
  readonly children: ReactNode;
  readonly icon?: IconName;
  readonly isAlert?: boolean;
  /** What becomes of what is written meanwhile. */
  readonly kept?: string;
  /** What changes too often to be read out each time. */
  readonly aside?: string;
}

function Notice({ tone, says, children, icon = "alert", isAlert = false, kept = "", aside = "" }: NoticeProps): ReactNode {
  return (
    <div className="notice" data-testid="notice" data-tone={tone}>
      <Icon name={icon} />
      <p>
        <span role={isAlert ? "alert" : undefined}>{says}</span>
        {kept !== "" && ` ${kept}`}
        {aside !== "" && <span className="notice-aside">{` ${aside}`}</span>}
      </p>
      <div className="notice-actions">{children}</div>
    </div>
  );
}
