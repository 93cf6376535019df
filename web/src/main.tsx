/** The one place where the page's parts are joined. */

import "./styles/index.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { AgentSession } from "./store/session";
import { createAgentStore } from "./store/store";
import { AgentContext } from "./ui/agent";
import { App } from "./ui/App";

declare global {
  interface Window {
    /** For benches and tests in a browser. */
    __todoAgent?: { readonly connectMs: number | null };
  }
}

function socketAddress({ protocol, host }: Location): string {
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/ai/ws`;
}

const store = createAgentStore();
const session = new AgentSession(store, {
  platform: {
    openSocket: () => new WebSocket(socketAddress(location)),
    createPeer: (configuration) => new RTCPeerConnection(configuration),
  },
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  chance: Math.random,
});

window.__todoAgent = { connectMs: null };
store.subscribe(({ connectMs }, before) => {
  if (connectMs !== before.connectMs) window.__todoAgent = { connectMs };
});
// A page that is left says so at once: the gateway would notice its silence only after seconds.
window.addEventListener("pagehide", () => session.close());
window.addEventListener("pageshow", (event) => {
  if (event.persisted) session.connect();
});
window.addEventListener("online", () => session.hurry());

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
