/** The line to the server as a person sees it and can try it: network, way in, model, and the switches of developers. */

import type { AgentConnection, Entered } from "../connection/client";
import type { FromGateway, ModelStatus } from "../connection/protocol";
import type { Readings } from "../connection/readings";
import { waitOf, type ConnectionState } from "../connection/state";
import type { Kept } from "./kept";
import type { AgentStore } from "./store";

export interface LineState {
  /** Whether the browser knows of a network. Without one, a server on this very machine can still be reached. */
  readonly online: boolean;
  /** When the next attempt to connect is due, by the clock on the wall; null where none is. */
  readonly nextAttemptAt: number | null;
  /** By the channel that is open now, or was last. */
  readonly entered: Entered | null;
  /** Whether only a relay may carry the connection: for trying that out. */
  readonly relayOnly: boolean;
  /** What the server said last of the language model; null where it has said nothing on this channel. */
  readonly model: ModelStatus | null;
}

export const NO_LINE: LineState = { online: true, nextAttemptAt: null, entered: null, relayOnly: false, model: null };

/** What can be read of the connection just now. */
export interface Inspection {
  readonly attempts: number;
  /** Null where there is no peer connection. */
  readonly readings: Readings | null;
}

type Connection = Pick<AgentConnection, "attempts" | "doubt" | "drop" | "hurry" | "readings" | "setRelayOnly">;

export class Line {
  readonly #store: AgentStore;
  readonly #kept: Pick<Kept, "relayOnly">;
  readonly #connection: Connection;

  constructor(store: AgentStore, kept: Pick<Kept, "relayOnly">, connection: Connection) {
    this.#store = store;
    this.#kept = kept;
    this.#connection = connection;
    store.setState({ relayOnly: kept.relayOnly });
  }

  /** The browser says that it has a network again, or none any more. */
  network(online: boolean): void {
    this.#store.setState({ online });
    // Without one, attempts go on all the same: the server may be on this machine, which needs no network.
    if (online) this.#connection.hurry();
    else this.#connection.doubt();
  }

  /** Allow only a relay, or any way: by a new connection, with the old one until then. Kept for this tab. */
  setRelayOnly(relayOnly: boolean): void {
    this.#kept.relayOnly = relayOnly;
    this.#store.setState({ relayOnly });
    this.#connection.setRelayOnly(relayOnly);
  }

  /** Lose the connection as though the network were gone. */
  drop(): void {
    this.#connection.drop();
  }

  async inspect(): Promise<Inspection> {
    return { attempts: this.#connection.attempts, readings: await this.#connection.readings() };
  }

  entered(entered: Entered): void {
    this.#store.setState({ entered });
  }

  /** The state of the connection has changed. */
  moved(state: ConnectionState, before: ConnectionState): void {
    const wait = waitOf(state);
    if (wait !== waitOf(before)) this.#store.setState({ nextAttemptAt: wait === null ? null : Date.now() + wait.delayMs });
    // What was said of the model is as old as the channel that it was said on.
    if (state.name !== "connected" && before.name === "connected") this.#store.setState({ model: null });
  }

  take(message: FromGateway): void {
    if (message.type === "model.status") this.#store.setState({ model: message });
  }
}
