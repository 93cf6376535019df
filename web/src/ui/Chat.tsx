import { useEffect, useLayoutEffect, useRef, type ReactNode } from "react";

import { useActions, useAgentState } from "./agent";
import { Composer } from "./Composer";
import { TurnCard } from "./TurnCard";

const SUGGESTIONS = [
  "create a list called Groceries",
  "create Travel and add passport to it",
  "what is on Groceries?",
] as const;
const NEAR_END_PX = 80;

export function Chat(): ReactNode {
  const turns = useAgentState((state) => state.log.turns);
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const count = useRef(0);

  // The end stays in view, unless the reader has scrolled up; what they send themselves always shows.
  useLayoutEffect(() => {
    const node = log.current;
    if (node === null) return;
    if (follows.current || turns.length > count.current) node.scrollTop = node.scrollHeight;
    count.current = turns.length;
  }, [turns]);

  // Also when the composer grows, or a phone's keyboard comes up.
  useEffect(() => {
    const node = log.current;
    if (node === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (follows.current) node.scrollTop = node.scrollHeight;
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, []);

  return (
    <section className="chat" aria-label="Chat">
      <div
        className="log"
        role="log"
        aria-live="off"
        aria-label="Conversation"
        ref={log}
        onScroll={({ currentTarget: node }) => {
          follows.current = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_END_PX;
        }}
      >
        {turns.length === 0 ? <Welcome /> : turns.map((turn) => <TurnCard key={turn.id} turn={turn} />)}
      </div>
      <Composer />
    </section>
  );
}

function Welcome(): ReactNode {
  const session = useActions();
  return (
    <div className="welcome">
      <h2>What should be on your lists?</h2>
      <p>
        Say it in your own words. Every change is read back from the database before it is reported, and each answer comes
        with its receipt.
      </p>
      <ul className="chips">
        {SUGGESTIONS.map((suggestion) => (
          <li key={suggestion}>
            <button type="button" className="chip" onClick={() => session.send(suggestion)}>
              {suggestion}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
