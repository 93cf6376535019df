/** The access token: which one is in use, and how another takes its place. It is never shown, logged or put into an error. */

import type { Attempt } from "./attempt";
import { uuid7 } from "./ids";
import { isRetryable } from "./outbox";
import type { FromGateway } from "./protocol";
import type { Reason } from "./state";

export interface SignInEvents {
  /** Another token is in use from now on. */
  token(token: string): void;
  /** When the token in use expires, as an ISO time; null: never, or nobody knows. */
  tokenExpires(at: string | null): void;
  /** The server does not take a new token, and the one before stays in use. Or it cannot tell now. */
  tokenDoubted(reason: Reason): void;
}

type Channel = Pick<Attempt, "send" | "hello">;

const ANSWER_MS = 10_000;
const UNANSWERED: Reason = {
  code: "timeout",
  detail: "The server could not check your new sign-in; it is used for the next connection",
};
const REFUSED: Reason = {
  code: "unauthorised",
  detail: "Your new sign-in was not accepted for this conversation; open its link in a new tab, or ask for a new one",
};

export class SignIn {
  readonly #events: SignInEvents;
  #token: string | null;
  /** A token that the server was asked to take, under the id of the request. */
  #asked: { readonly id: string; readonly token: string; readonly due: ReturnType<typeof setTimeout> } | null = null;

  constructor(token: string | null, events: SignInEvents) {
    this.#token = token;
    this.#events = events;
  }

  get token(): string | null {
    return this.#token;
  }

  /** The person has brought another token. */
  renew(token: string, channel: Channel | null): void {
    if (channel === null || !this.#ask(token, channel)) this.#use(token);
  }

  /** The server let us enter with the token in use. */
  entered(expiresAt: string | null): void {
    this.#events.tokenExpires(expiresAt);
  }

  /** A channel is open. It may have entered with a token that was replaced meanwhile. */
  opened(channel: Channel): void {
    if (this.#token !== null && channel.hello.token !== this.#token) this.#ask(this.#token, channel);
  }

  /** The channel is gone, and with it the answer: what the person brought last counts. */
  closed(): void {
    const token = this.#asked?.token;
    this.#forgetAsked();
    if (token !== undefined) this.#use(token);
  }

  /** @returns whether the message was an answer to us */
  take(message: FromGateway): boolean {
    const asked = this.#asked;
    if (asked === null || !("ref" in message) || message.ref !== asked.id) return false;
    if (message.type !== "token.renewed" && message.type !== "error") return false;
    this.#forgetAsked();
    if (message.type === "token.renewed") {
      this.#use(asked.token);
      this.#events.tokenExpires(message.expires_at);
    } else if (isRetryable(message.code)) this.#unanswered(asked.token);
    else this.#events.tokenDoubted(REFUSED);
    return true;
  }

  #ask(token: string, channel: Channel): boolean {
    const id = uuid7();
    this.#forgetAsked();
    if (!channel.send({ type: "token.renew", id, token })) return false;
    this.#asked = { id, token, due: setTimeout(() => this.#unanswered(token), ANSWER_MS) };
    return true;
  }

  #unanswered(token: string): void {
    this.#forgetAsked();
    this.#use(token);
    this.#events.tokenDoubted(UNANSWERED);
  }

  #forgetAsked(): void {
    clearTimeout(this.#asked?.due);
    this.#asked = null;
  }

  #use(token: string): void {
    if (token === this.#token) return;
    this.#token = token;
    this.#events.token(token);
  }
}
