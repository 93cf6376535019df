/** The one place where the page's parts are joined. */

import "./styles/index.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { SessionLock } from "./connection/session_lock";
import { Kept } from "./store/kept";
import { keepPreferences } from "./store/preferences";
import { AgentSession } from "./store/session";
import { createAgentStore, type AgentState } from "./store/store";
import { AgentContext } from "./ui/agent";
import { App } from "./ui/App";

declare global {
  interface Window {
    /** For benches and tests in a browser. */
    __todoAgent?: Pick<AgentState, "connectMs" | "path">;
  }
}

function socketAddress({ protocol, host }: Location): string {
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/ai/ws`;
}

// Only secure contexts have locks; localhost is one.
function lockManager(): LockManager | null {
  return "locks" in navigator ? navigator.locks : null;
}

/** The tab's own storage, or that of all tabs. */
function storage(name: "sessionStorage" | "localStorage"): Storage | null {
  try {
    return window[name];
  } catch {
    return null; // the person has forbidden it
  }
}

/** The token that a link brought, taken out of the address: it would stay in the history, and be copied along. */
function takeTokenFromAddress(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("t");
  if (token !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

function bringToken(): void {
  const token = takeTokenFromAddress();
  if (token !== null) session.signIn(token);
}

const store = createAgentStore();
keepPreferences(store, storage("localStorage"), document.documentElement);
store.setState({ online: navigator.onLine });
const session = new AgentSession(store, {
  platform: {
    openSocket: () => new WebSocket(socketAddress(location)),
    createPeer: (configuration) => new RTCPeerConnection(configuration),
  },
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  chance: Math.random,
  kept: new Kept(storage("sessionStorage")),
  lock: new SessionLock(lockManager()),
});

window.__todoAgent = { connectMs: null, path: null };
store.subscribe(({ connectMs, path }, before) => {
  if (connectMs !== before.connectMs || path !== before.path) window.__todoAgent = { connectMs, path };
});
bringToken();
window.addEventListener("hashchange", bringToken);
// A page that is left says so at once: the gateway would notice its silence only after seconds.
window.addEventListener("pagehide", () => session.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) session.connect();
});
for (const change of ["online", "offline"]) window.addEventListener(change, () => session.line.network(navigator.onLine));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") session.woke();
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <AgentContext value={{ store, session }}>
      <App />
    </AgentContext>
  </StrictMode>,
);
session.connect();
