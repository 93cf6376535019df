"""What our times are measured against: aiortc alone behind one HTTP POST, and a page that does nothing else.

`python bench/bare_aiortc.py` prints its port. The page's `connect(gather)` answers with the milliseconds from
`new RTCPeerConnection` to the open channel: with `gather` the offer waits for the browser's candidates, as most
examples have it; without, it is sent at once. `arrive(gather, iceServers)` does the same and stays, until `leave()`.
`echoing()` leaves an open channel in `window.__channel`, on which a ping comes back as a pong with its id.
"""

import asyncio
import json
import sys

from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from runtime.http import serving

PAGE = """<!doctype html><title>bare aiortc</title><script>
async function opened(gather, iceServers = []) {
  const peer = new RTCPeerConnection({ iceServers });
  const channel = peer.createDataChannel('bench');
  const open = new Promise((resolve) => { channel.onopen = resolve; });
  await peer.setLocalDescription(await peer.createOffer());
  if (gather && peer.iceGatheringState !== 'complete') {
    await new Promise((resolve) => {
      peer.onicegatheringstatechange = () => { if (peer.iceGatheringState === 'complete') resolve(); };
    });
  }
  const answer = await fetch('/offer', { method: 'POST', body: JSON.stringify(peer.localDescription) });
  await peer.setRemoteDescription(await answer.json());
  await open;
  return { peer, channel };
}
async function arrive(gather, iceServers) {
  const started = performance.now();
  window.__bare = await opened(gather, iceServers);
  return performance.now() - started;
}
function leave() {
  window.__bare.peer.close();
}
async function connect(gather) {
  const took = await arrive(gather);
  leave();
  return took;
}
async function echoing() {
  window.__bare = await opened(false);
  window.__channel = window.__bare.channel;
}
</script>"""


def application() -> Starlette:
    """The page at `/`, and `/offer`."""
    peers: set[RTCPeerConnection] = set()

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    async def offer(request: Request) -> JSONResponse:
        description = await request.json()
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peers.add(peer)

        @peer.on("datachannel")
        def echo(channel: RTCDataChannel) -> None:
            @channel.on("message")
            def answer(text: str) -> None:
                message = json.loads(text)
                channel.send(json.dumps({"type": "pong", "ref": message["id"]}))

        await peer.setRemoteDescription(RTCSessionDescription(**description))
        answer = await peer.createAnswer()
        if answer is not None:
            await peer.setLocalDescription(answer)
        return JSONResponse({"type": peer.localDescription.type, "sdp": peer.localDescription.sdp})

    return Starlette(routes=[Route("/", page), Route("/offer", offer, methods=["POST"])])


async def main() -> None:
    """Serve until killed."""
    async with serving("127.0.0.1", 0, application()) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
