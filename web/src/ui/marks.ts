/** How far a request has come, as its bubble says it. Pure. */

import type { Turn } from "../store/turns";
import { texts } from "./texts";

export type Mark = keyof typeof texts.chat.mark;

/** Null where there is nothing to say: its answer says it all. */
export function markOf({ status, sent, stopping, problem, completed }: Turn, connected: boolean): Mark | null {
  switch (status) {
    case "sending":
      if (stopping) return connected ? "stopping" : "waiting";
      if (!connected) return "waiting";
      if (problem !== null) return "doubted";
      return sent ? "sent" : "sending";
    case "accepted":
      return stopping ? "stopping" : "accepted";
    case "completed":
      return stopping && completed?.outcome === "confirmed" ? "tooLate" : null;
    case "rejected":
    case "silent":
      return status;
    case "queued":
    case "held":
    case "stopped":
      return null;
  }
}
