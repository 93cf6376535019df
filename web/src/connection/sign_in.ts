/** The access token: which one is in use, and how another takes its place. It is never shown, logged or put into an error. */

import { texts } from "../ui/texts";
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
const AGAIN_FIRST_MS = 5_000;
const AGAIN_MAX_MS = 60_000;
const UNANSWERED: Reason = { code: "timeout", detail: texts.reasons.signInUnanswered };
const REFUSED: Reason = { code: "unauthorised", detail: texts.reasons.signInRefused };

interface Request {
  readonly token: string;
  /** The one that is known to be good. */
  readonly before: string | null;
  readonly channel: Channel;
  /** How often the server could not tell. */
  readonly doubts: number;
}

export class SignIn {
  readonly #events: SignInEvents;
  #token: string | null;
  /** What the server was asked to take. `step`: when no answer is waited for any more, or when it is asked again. */
  #asked: (Request & { readonly id: string; step: ReturnType<typeof setTimeout> }) | null = null;

  constructor(token: string | null, events: SignInEvents) {
    this.#token = token;
    this.#events = events;
  }

  get token(): string | null {
    return this.#token;
  }

  /** The person has brought another token. */
  renew(token: string, channel: Channel | null): void {
    const before = this.#asked?.before ?? this.#token;
    if (channel === null || !this.#ask({ token, before, channel, doubts: 0 })) this.#use(token);
  }

  /** The server let us enter with the token in use. */
  entered(expiresAt: string | null): void {
    this.#events.tokenExpires(expiresAt);
  }

  /** A channel is open. It may have entered with a token that was replaced meanwhile. */
  opened(channel: Channel): void {
    const token = this.#token;
    const before = channel.hello.token;
    if (token !== null && before !== token) this.#ask({ token, before, channel, doubts: 0 });
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
    if (message.type === "error" && isRetryable(message.code)) {
      this.#doubted();
      return true;
    }
    this.#forgetAsked();
    if (message.type === "token.renewed") {
      this.#use(asked.token);
      this.#events.tokenExpires(message.expires_at);
    } else {
      if (asked.before !== null) this.#use(asked.before);
      this.#events.tokenDoubted(REFUSED);
    }
    return true;
  }

  #ask(request: Request): boolean {
    const id = uuid7();
    this.#forgetAsked();
    if (!request.channel.send({ type: "token.renew", id, token: request.token })) return false;
    this.#asked = { ...request, id, step: setTimeout(() => this.#doubted(), ANSWER_MS) };
    return true;
  }

  // The channel may live for as long as the token before is good, and ends with it: until then it is asked again.
  #doubted(): void {
    const asked = this.#asked;
    if (asked === null) return;
    clearTimeout(asked.step);
    const pauseMs = Math.min(AGAIN_MAX_MS, AGAIN_FIRST_MS * 2 ** asked.doubts);
    asked.step = setTimeout(() => this.#ask({ ...asked, doubts: asked.doubts + 1 }), pauseMs);
    this.#use(asked.token);
    if (asked.doubts === 0) this.#events.tokenDoubted(UNANSWERED);
  }

  #forgetAsked(): void {
    clearTimeout(this.#asked?.step);
    this.#asked = null;
  }

  #use(token: string): void {
    if (token === this.#token) return;
    this.#token = token;
    this.#events.token(token);
  }
}
