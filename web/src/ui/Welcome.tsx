import type { ReactNode } from "react";

import { isHarmless, suggestionsFor, type Suggestion } from "../store/suggestions";
import { useActions, useAgentState } from "./agent";
import { Icon } from "./icons";
import { texts } from "./texts";

function wordsOf(suggestion: Suggestion): string {
  const words = texts.chat.suggestion;
  switch (suggestion.kind) {
    case "create":
      return words.create(suggestion.list);
    case "createWith":
      return words.createWith(suggestion.list, suggestion.item);
    case "open":
      return words.open;
    case "show":
      return words.show(suggestion.list);
    case "add":
      return words.add(suggestion.item, suggestion.list);
    case "complete":
      return words.complete(suggestion.item);
  }
}

/** What stands in an empty conversation. */
export function Welcome(): ReactNode {
  const session = useActions();
  const board = useAgentState((state) => state.board);
  return (
    <div className="welcome">
      <h2>{texts.chat.welcome}</h2>
      <p>{texts.chat.welcomeMore}</p>
      <ul className="chips">
        {suggestionsFor(board).map((suggestion) => {
          const words = wordsOf(suggestion);
          const sends = isHarmless(suggestion);
          return (
            <li key={words}>
              <button
                type="button"
                className="chip suggestion"
                data-testid="suggestion"
                data-sends={sends}
                onClick={() => (sends ? session.send(words) : session.write(words))}
              >
                <bdi>{words}</bdi>
                <Icon name={sends ? "arrow_up" : "edit"} />
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
