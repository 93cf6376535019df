import { useEffect, useState, type ReactNode } from "react";

import type { CandidateSeen } from "../connection/readings";
import { refusalOf, type ConnectionState } from "../connection/state";
import type { Inspection } from "../store/line";
import { modelInUse } from "../store/turns";
import { useActions, useAgentState } from "./agent";
import { bytesWords, lossWords, mendingWords, nextWords, pathMeaning, pathWords, pillWords } from "./connection_words";
import { useSecondsUntil } from "./clock";
import { CopyButton } from "./CopyButton";
import { modelWords } from "./model_words";
import { texts } from "./texts";
import { duration } from "./words";

const words = texts.connection.details;
const POLL_MS = 1_000;

/** What the browser says of the connection, asked each second for as long as this is shown. */
function useInspection(): Inspection | null {
  const session = useActions();
  const [inspection, setInspection] = useState<Inspection | null>(null);
  useEffect(() => {
    let isShown = true;
    const ask = async (): Promise<void> => {
      const answer = await session.line.inspect();
      if (isShown) setInspection(answer);
    };
    void ask();
    const timer = setInterval(() => void ask(), POLL_MS);
    return () => {
      isShown = false;
      clearInterval(timer);
    };
  }, [session]);
  return inspection;
}

/** All that is known of the connection, and the switches with which a developer tries it. */
export function ConnectionDetails(): ReactNode {
  const state = useAgentState((agent) => agent.connection);
  const online = useAgentState((agent) => agent.online);
  const path = useAgentState((agent) => agent.path);
  const inspection = useInspection();
  const readings = inspection?.readings ?? null;
  const rtt = state.name === "connected" ? state.rttMs : null;
  const { rttMs: iceRtt = null, sentBytes: sent = null, receivedBytes: received = null } = readings ?? {};
  const failures = "failures" in state ? state.failures : 0;
  return (
    <>
      <h2>{words.title}</h2>
      <Progress state={state} online={online} />
      <dl className="facts">
        <Fact name={words.state}>{pillWords(state, path, online).state}</Fact>
        <Fact name={words.path}>
          {path === null ? <Unknown /> : <Pair main={pathWords(path)} aside={pathMeaning(path)} />}
        </Fact>
        <Fact name={words.roundTrip}>
          {rtt === null ? (
            <Unknown />
          ) : (
            <Pair main={duration(rtt)} aside={iceRtt === null ? "" : words.iceRoundTrip(duration(iceRtt))} />
          )}
        </Fact>
        <Fact name={words.ice}>{readings?.ice ?? <Unknown />}</Fact>
        <Fact name={words.local}>
          <Candidate candidate={readings?.local ?? null} />
        </Fact>
        <Fact name={words.remote}>
          <Candidate candidate={readings?.remote ?? null} />
        </Fact>
        <Fact name={words.buffered}>{readings === null ? <Unknown /> : bytesWords(readings.bufferedBytes)}</Fact>
        <Fact name={words.traffic}>
          {sent === null || received === null ? <Unknown /> : `${bytesWords(sent)} / ${bytesWords(received)}`}
        </Fact>
        <Fact name={words.attempts}>{inspection === null ? <Unknown /> : words.tries(inspection.attempts, failures)}</Fact>
        <Known />
      </dl>
      <Tools connected={state.name === "connected"} />
    </>
  );
}

/** What is being done about a connection that is not there, or changes. */
function Progress({ state, online }: { readonly state: ConnectionState; readonly online: boolean }): ReactNode {
  const session = useActions();
  const seconds = useSecondsUntil(useAgentState((agent) => agent.nextAttemptAt));
  const refusal = refusalOf(state);
  if (refusal !== null) return <p className="progress">{lossWords(refusal)}</p>;
  const isMoving = state.name === "connected" && state.move !== undefined;
  const isMending = state.name === "reconnecting" || (isMoving && state.move?.name === "waiting");
  if (!isMoving && !isMending) return null;
  return (
    <div className="progress" data-testid="connection-progress">
      <p>
        {mendingWords(state, online) ?? (isMoving ? words.changing : texts.connection.kept)}{" "}
        <span className="figures">{nextWords(state, seconds)}</span>
      </p>
      {isMending && (
        <button type="button" className="button button-small" onClick={() => session.connect()}>
          {texts.connection.now}
        </button>
      )}
    </div>
  );
}

/** What the page knows without asking the browser. */
function Known(): ReactNode {
  const entered = useAgentState((agent) => agent.entered);
  const connectMs = useAgentState((agent) => agent.connectMs);
  const status = useAgentState((agent) => agent.model);
  const named = useAgentState((agent) => modelInUse(agent.log)?.name ?? null);
  const model = modelWords(status, named);
  return (
    <>
      <Fact name={words.setUp}>{connectMs === null ? <Unknown /> : duration(connectMs)}</Fact>
      <Fact name={words.session}>
        {entered === null ? (
          <Unknown />
        ) : (
          <>
            <code className="clipped" title={entered.session}>
              {entered.session}
            </code>
            <CopyButton text={entered.session} label={words.copySession} />
          </>
        )}
      </Fact>
      <Fact name={words.person}>{entered === null ? <Unknown /> : <bdi>{entered.ownerName}</bdi>}</Fact>
      <Fact name={words.model}>
        {model === null ? (
          <Unknown />
        ) : (
          <Pair main={status?.name ?? model.label} aside={status === null ? "" : texts.model.states[status.state]} />
        )}
      </Fact>
    </>
  );
}

function Tools({ connected }: { readonly connected: boolean }): ReactNode {
  const session = useActions();
  const relayOnly = useAgentState((agent) => agent.relayOnly);
  return (
    <section className="tools" aria-label={words.tools}>
      <h3 className="caption">{words.tools}</h3>
      <label className="tool">
        <span>
          {words.forceRelay} <span className="quiet">{words.forceRelayHint}</span>
        </span>
        <input
          type="checkbox"
          role="switch"
          className="toggle"
          data-testid="force-relay"
          aria-checked={relayOnly}
          checked={relayOnly}
          onChange={() => session.line.setRelayOnly(!relayOnly)}
        />
      </label>
      <div className="tool">
        <span>
          {words.drop} <span className="quiet">{words.dropHint}</span>
        </span>
        <button
          type="button"
          className="button button-small"
          data-testid="drop-connection"
          aria-label={words.drop}
          disabled={!connected}
          onClick={() => session.line.drop()}
        >
          {words.dropNow}
        </button>
      </div>
    </section>
  );
}

interface FactProps {
  readonly name: string;
  readonly children: ReactNode;
}

function Fact({ name, children }: FactProps): ReactNode {
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Pair({ main, aside }: { readonly main: string; readonly aside: string }): ReactNode {
  return (
    <>
      <span>{main}</span>
      {aside !== "" && <span className="quiet">{aside}</span>}
    </>
  );
}

function Unknown(): ReactNode {
  return <span className="quiet">{words.unknown}</span>;
}

function Candidate({ candidate }: { readonly candidate: CandidateSeen | null }): ReactNode {
  if (candidate === null) return <Unknown />;
  const { type, protocol, address } = candidate;
  const kind = protocol === null ? type : `${type}/${protocol}`;
  return <Pair main={kind} aside={address ?? words.hidden} />;
}
