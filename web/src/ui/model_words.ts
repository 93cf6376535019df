/** The language model in words: what it is, what that means for a request, what to do about it. Pure. */

import type { ModelStatus } from "../connection/protocol";
import { texts } from "./texts";
import { isStandIn, type Tone } from "./words";

const words = texts.model;

export interface ModelWords {
  /** For the chip: a name where all is well. */
  readonly label: string;
  readonly title: string;
  readonly tone: Tone;
  readonly says: string;
  readonly toDo: readonly string[];
  /** Worth a notice: requests do not get what they need. */
  readonly isWanting: boolean;
}

/** @param name of the model of the newest receipt, for as long as the server has said nothing; null: none is known */
export function modelWords(status: ModelStatus | null, name: string | null): ModelWords | null {
  if (status === null) return name === null ? null : modelWords({ type: "model.status", state: "ready", name, stand_in: isStandIn(name) }, null);
  const { state } = status;
  if (state !== "ready") {
    const title = words.states[state];
    return { label: title, title, tone: "warn", says: words.says[state], toDo: words.toDo[state], isWanting: true };
  }
  if (status.stand_in) {
    const { stand_in: says } = words.says;
    return { label: words.standIn, title: words.standInTitle, tone: "info", says, toDo: words.toDo.stand_in, isWanting: false };
  }
  const known = status.name ?? words.unknownName;
  return { label: known, title: known, tone: "good", says: words.says.ready(known), toDo: words.toDo.ready, isWanting: false };
}
