"""Many connections of bare aiortc, played as pages. Run by `bench.loss` in a namespace."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from bench.loss.child import answer_lines


@dataclass
class Line:
    """One connection."""

    peer: RTCPeerConnection
    channel: RTCDataChannel
    arrivals: dict[int, float] = field(default_factory=dict)

    def on_message(self, text: str) -> None:
        now = time.time()
        message = json.loads(text)
        self.arrivals[message["n"]] = now
        if message["answer"]:
            self.channel.send(text)


class AiortcPage:
    """Answers the verbs of `bench.loss`."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    async def answer(self, verb: str, given: dict[str, Any]) -> Any:
        match verb:
            case "offer":
                return {name: await self._offer(name) for name in given["names"]}
            case "take_answers":
                for name, sdp in given["answers"].items():
                    description = RTCSessionDescription(sdp=sdp, type="answer")
                    await self._lines[name].peer.setRemoteDescription(description)
                return None
            case "arrived":
                return {name: self._taken(line) for name, line in self._lines.items()}
            case "close":
                await asyncio.gather(*(self._lines.pop(name).peer.close() for name in given["names"]))
                return None
        raise ValueError(verb)

    async def _offer(self, name: str) -> str:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        line = self._lines[name] = Line(peer, peer.createDataChannel("agent", protocol="agent.v1"))
        line.channel.on("message", line.on_message)
        await peer.setLocalDescription()
        sdp: str = peer.localDescription.sdp
        return sdp

    def _taken(self, line: Line) -> dict[int, float]:
        taken, line.arrivals = line.arrivals, {}
        return taken


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(answer_lines(AiortcPage().answer))
