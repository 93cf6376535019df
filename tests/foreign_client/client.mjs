/**
 * Asks the agent on a WebRTC stack that nobody here wrote, after docs/protocol.md alone.
 *
 *   node client.mjs LIBRARY WS_URL SENTENCE...
 *
 * LIBRARY is `werift` (all of WebRTC in JavaScript) or `node-datachannel` (libdatachannel, C++). Prints one JSON object
 * with what was told, and ends with 0; what goes wrong is told on stderr, with 1.
 */

import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";

const BOUND_MS = 20_000;
const STACKS = {
  werift: () => import("werift"),
  "node-datachannel": () => import("node-datachannel/polyfill"),
};

/** The channel `agent`: messages out, and in, whole. One wait at a time. */
class Channel {
  #pieces = new Map();
  #waiting = null;

  constructor(channel) {
    this.channel = channel;
    channel.onmessage = ({ data }) => this.#frame(JSON.parse(String(data)));
  }

  send(message) {
    this.channel.send(JSON.stringify(message));
  }

  /** Every message up to the first that `isLast` says yes to. */
  until(what, isLast) {
    return bounded(what, (resolve, reject) => {
      this.#waiting = { isLast, resolve, reject, heard: [] };
    });
  }

  #frame(frame) {
    if (frame.type !== undefined) return this.#message(frame);
    const data = (this.#pieces.get(frame.id) ?? "") + frame.data;
    this.#pieces.set(frame.id, data);
    if (!frame.last) return undefined;
    this.#pieces.delete(frame.id);
    return this.#message(JSON.parse(data));
  }

  #message(message) {
    if (message.type === "ping") this.send({ type: "pong", ref: message.id });
    const refused = message.type === "error" || message.type === "turn.rejected";
    if (refused) this.#waiting?.reject(new Error(JSON.stringify(message)));
    this.#waiting?.heard.push(message);
    if (this.#waiting?.isLast(message)) this.#waiting.resolve(this.#waiting.heard);
  }
}

function bounded(what, begin) {
  let late;
  const begun = new Promise((resolve, reject) => {
    late = setTimeout(() => reject(new Error(`${what}: not within ${BOUND_MS} ms`)), BOUND_MS);
    begin(resolve, reject);
  });
  return begun.finally(() => clearTimeout(late));
}

/** Hello, offer at once, candidates as they come, answer, open channel. */
async function connect({ RTCPeerConnection }, url) {
  const socket = new WebSocket(url);
  const say = (message) => socket.send(JSON.stringify(message));
  let peer;
  const opened = bounded("an open channel", (resolve, reject) => {
    socket.onerror = ({ message }) => reject(new Error(message));
    socket.onopen = () => say({ type: "hello", version: 1, time_zone: "UTC" });
    socket.onmessage = ({ data }) => void hear(JSON.parse(data), resolve).catch(reject);
  });

  async function hear(message, resolve) {
    if (message.type === "ready") {
      peer = new RTCPeerConnection({ iceServers: message.ice_servers ?? [] });
      const channel = peer.createDataChannel("agent", { protocol: "agent.v1" });
      channel.onopen = () => resolve({ ready: message, channel: new Channel(channel) });
      peer.onicecandidate = ({ candidate }) =>
        say({ type: "candidate", attempt: 1, candidate: inOurSpelling(candidate) });
      const { sdp } = await peer.createOffer();
      say({ type: "offer", attempt: 1, sdp });
      await peer.setLocalDescription({ type: "offer", sdp });
    } else if (message.type === "answer") {
      await peer.setRemoteDescription({ type: "answer", sdp: message.sdp });
    } else if (message.type === "error") {
      throw new Error(`${message.field ?? ""} ${message.detail} (${message.code})`);
    }
  }

  return { ...(await opened), peer, socket };
}

function inOurSpelling(candidate) {
  if (!candidate?.candidate) return null;
  return { candidate: candidate.candidate, sdp_mid: candidate.sdpMid, sdp_m_line_index: candidate.sdpMLineIndex };
}

/** One turn, from its start to its end. */
async function ask(channel, text) {
  const turn_id = randomUUID();
  const isEnd = ({ type, turn }) => type === "turn.completed" && turn.turn_id === turn_id;
  const heard = channel.until(`the end of “${text}”`, isEnd);
  channel.send({ type: "turn.start", id: randomUUID(), turn_id, text, sent_at: new Date().toISOString() });
  const told = await heard;
  const { outcome, text: said, receipt } = told.at(-1).turn;
  const phases = told.filter(({ type }) => type === "turn.phase").map(({ phase }) => phase);
  return { turn_id, outcome, said, verdict: receipt.verdict, phases };
}

/** The lists as `state.get` gives them: name to titles. */
async function board(channel) {
  const id = randomUUID();
  const heard = channel.until("the board", ({ type, ref, last }) => type === "state.list" && ref === id && last);
  channel.send({ type: "state.get", id });
  const lists = (await heard).filter(({ type, list }) => type === "state.list" && list);
  return Object.fromEntries(lists.map(({ list, items }) => [list.name, items.map(({ title }) => title)]));
}

async function main([library, url, ...sentences]) {
  const stack = await STACKS[library]();
  const { ready, channel, peer, socket } = await connect(stack.default ?? stack, url);
  const turns = [];
  for (const sentence of sentences) turns.push(await ask(channel, sentence));
  const told = { library, session: ready.session, turns, board: await board(channel) };
  socket.send(JSON.stringify({ type: "bye" }));
  await peer.close();
  process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`, () => process.exit(1));
});
