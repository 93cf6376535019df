// Many connections in one page. The offers go at once, without candidates: the gateway learns where the page is.
const lines = new Map();

async function offer(names) {
  const offers = {};
  for (const name of names) {
    const peer = new RTCPeerConnection({ iceServers: [] });
    const channel = peer.createDataChannel('agent', { protocol: 'agent.v1' });
    const line = { peer, arrivals: {} };
    channel.onmessage = ({ data }) => {
      const now = (performance.timeOrigin + performance.now()) / 1000;
      const message = JSON.parse(data);
      line.arrivals[message.n] = now;
      if (message.answer) channel.send(data);
    };
    lines.set(name, line);
    await peer.setLocalDescription(await peer.createOffer());
    offers[name] = peer.localDescription.sdp;
  }
  return offers;
}

async function takeAnswers(answers) {
  for (const [name, sdp] of Object.entries(answers)) {
    await lines.get(name).peer.setRemoteDescription({ type: 'answer', sdp });
  }
}

function arrived() {
  const all = {};
  for (const [name, line] of lines) {
    all[name] = line.arrivals;
    line.arrivals = {};
  }
  return all;
}

function closeAll(names) {
  for (const name of names) {
    lines.get(name).peer.close();
    lines.delete(name);
  }
}
