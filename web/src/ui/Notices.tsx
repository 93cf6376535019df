import type { ReactNode } from "react";

import { refusalOf } from "../connection/state";
import { useActions, useAgentState } from "./agent";
import { COMPOSER_ID } from "./Composer";
import { lossWords, mendingWords, signInWords, wayBack } from "./connection_words";
import { reasonWords } from "./words";

/** What is wrong with the connection, and problems that concern no turn. */
export function Notices(): ReactNode {
  const connection = useAgentState((state) => state.connection);
  const notice = useAgentState((state) => state.notice);
  const signInEnds = useAgentState((state) => state.signInEnds);
  const session = useActions();
  const mending = mendingWords(connection);
  const refusal = refusalOf(connection);
  return (
    <div className="notices">
      {mending !== null && (
        <Notice action="Try now" act={() => session.connect()} aside={mending.next}>
          {mending.why}
        </Notice>
      )}
      {refusal !== null && (
        <Notice action={wayBack(refusal).label} act={() => (wayBack(refusal).reloads ? location.reload() : session.connect())}>
          {lossWords(refusal)}
        </Notice>
      )}
      {notice !== null && (
        <Notice action="Dismiss" act={() => session.dismissNotice()}>
          {reasonWords(notice)}
        </Notice>
      )}
      {/* A region that comes with its words in it is not read out everywhere, so this one is always there. */}
      <div role="status">
        {signInEnds !== null && (
          <Notice action="Dismiss" act={() => session.dismissSignIn()} quiet>
            {signInWords(signInEnds)}
          </Notice>
        )}
      </div>
    </div>
  );
}

/** A button that goes while it has the focus passes it on to the composer: it would be nowhere. */
function passFocusOn(button: HTMLButtonElement): () => void {
  return () => {
    if (document.activeElement === button) document.getElementById(COMPOSER_ID)?.focus();
  };
}

interface NoticeProps {
  readonly action: string;
  readonly act: () => void;
  readonly children: string;
  /** What changes too often to be read out each time. */
  readonly aside?: string;
  readonly quiet?: boolean;
}

function Notice({ action, act, children, aside, quiet = false }: NoticeProps): ReactNode {
  return (
    <div className={quiet ? "notice notice-quiet" : "notice"} data-testid="notice">
      <p>
        <span role={quiet ? undefined : "alert"}>{children}</span>
        {aside !== undefined && (
          <>
            {" "}
            <span className="notice-aside">{aside}</span>
          </>
        )}
      </p>
      <button type="button" className="button" onClick={act} ref={passFocusOn}>
        {action}
      </button>
    </div>
  );
}
