import { useRef, type ReactNode } from "react";

import { useAgentState, usePrefer } from "./agent";
import { Icon } from "./icons";
import { useKey } from "./keyboard";
import { KEYS, type KeyAction } from "./keys";
import { texts } from "./texts";

const words = texts.help;
const TITLE_ID = "help-title";
const ACTIONS = [...new Set(KEYS.map(({ action }) => action))];

/** The sheet of keys: made from the table that they work by. */
export function HelpSheet(): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const letters = useAgentState((state) => state.preferences.letterKeys);
  const prefer = usePrefer();
  useKey("help", () => {
    dialog.current?.setAttribute("closedby", "any"); // a click beside it, where the browser knows that
    dialog.current?.showModal();
  });
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={TITLE_ID} data-testid="help-sheet">
      <header className="dialog-head">
        <h2 id={TITLE_ID}>{words.title}</h2>
        <button type="button" className="icon-button" aria-label={words.close} title={words.close} onClick={() => dialog.current?.close()}>
          <Icon name="close" />
        </button>
      </header>
      <div className="dialog-body help">
        <Group name={words.everywhere}>
          {ACTIONS.map((action) => (
            <Line key={action} does={words.actions[action]} ways={waysTo(action)} isOff={!letters && isOnlyLetters(action)} />
          ))}
        </Group>
        {Object.values(words.places).map(({ name, keys }) => (
          <Group key={name} name={name}>
            {keys.map((line) => (
              <Line key={line.does} does={line.does} ways={[line.keys]} />
            ))}
          </Group>
        ))}
        <label className="tool">
          <span>
            {words.letters} <span className="quiet">{words.lettersHint}</span>
          </span>
          <input
            type="checkbox"
            role="switch"
            className="toggle"
            data-testid="letter-keys"
            aria-checked={letters}
            checked={letters}
            onChange={() => prefer({ letterKeys: !letters })}
          />
        </label>
      </div>
    </dialog>
  );
}

function waysTo(action: KeyAction): readonly (readonly string[])[] {
  return KEYS.filter((key) => key.action === action).map(({ shown }) => shown);
}

function isOnlyLetters(action: KeyAction): boolean {
  return KEYS.every((key) => key.action !== action || !key.whileWriting);
}

interface GroupProps {
  readonly name: string;
  readonly children: ReactNode;
}

function Group({ name, children }: GroupProps): ReactNode {
  return (
    <section className="help-group">
      <h3>{name}</h3>
      <dl>{children}</dl>
    </section>
  );
}

interface LineProps {
  readonly does: string;
  readonly ways: readonly (readonly string[])[];
  readonly isOff?: boolean;
}

function Line({ does, ways, isOff = false }: LineProps): ReactNode {
  return (
    <div className="help-line" data-off={isOff}>
      <dt>{does}</dt>
      <dd>
        {ways.map((keys, index) => (
          <span key={keys.join(" ")} className="help-way">
            {index > 0 && <span className="quiet">{words.or}</span>}
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </span>
        ))}
      </dd>
    </div>
  );
}
