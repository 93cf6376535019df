/** What lets a page go on with its session: the session, the token for it, and which events it has heard. Pure. */

import * as v from "valibot";

import { HelloSchema, SeenSchema, type FromGateway, type Hello, type Ready, type Seen } from "./protocol";

export const ResumeSchema = v.object({
  session: v.nonNullable(HelloSchema.entries.session),
  token: HelloSchema.entries.resume_token,
  seen: SeenSchema,
  /** Whose channel was open last, and so whose the unanswered turns are; null before the first. */
  owner: v.nullish(v.string(), null),
});
export type Resume = v.InferOutput<typeof ResumeSchema>;

/** The part of a hello that names the session to go on with, if there is one. */
export function inHello(resume: Resume | null): Pick<Hello, "session" | "resume_token" | "last_seen"> {
  if (resume === null) return { session: null, resume_token: null, last_seen: null };
  return { session: resume.session, resume_token: resume.token, last_seen: resume.seen };
}

/** After the server let us enter. Of a session that has just begun, everything is still to be told. */
export function afterReady(before: Resume | null, ready: Ready): Resume {
  const goesOn = ready.resumed && before?.session === ready.session;
  return {
    session: ready.session,
    token: ready.resume_token,
    seen: goesOn ? before.seen : { chat: 0, out: 0 },
    owner: before?.owner ?? null,
  };
}

/**
 * After a message of the session.
 *
 * @returns null where it is an event that was told before, which is to be dropped; the same object where it does not count
 */
export function afterMessage(resume: Resume, message: FromGateway): Resume | null {
  switch (message.type) {
    case "turn.completed":
      // With `ref` it answers a turn that was sent again: it may overtake events that are still to come.
      return message.ref === null ? counted(resume, "chat", message.seq) : resume;
    case "turn.phase":
      return counted(resume, "out", message.seq);
    case "session.current":
      // An older channel may have told more by now than the newer one knows of.
      return { ...resume, seen: { chat: Math.max(resume.seen.chat, message.seen.chat), out: Math.max(resume.seen.out, message.seen.out) } };
    default:
      return resume;
  }
}

function counted(resume: Resume, stream: keyof Seen, seq: number | null): Resume | null {
  if (seq === null) return resume;
  if (seq <= resume.seen[stream]) return null;
  return { ...resume, seen: { ...resume.seen, [stream]: seq } };
}
