"""The gateway's end: the adapter's peers, each with timers of its own, and what they send. Run by `bench.loss`."""

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop
from aiortc.rtcsctptransport import Chunk, DataChunk

from bench.loss.child import answer_lines
from bench.loss.network import GATEWAY_ADDRESS
from bench.loss.variants import TIMERS
from rtc_gateway.addresses import rule_of
from rtc_gateway.aiortc_adapter import AiortcPeer, AiortcPeers, AiortcSettings
from rtc_gateway.peer import PeerClosedError, PeerHandlers

CONNECT_MAX_S: Final = 30.0
ANSWERED_WITHIN_S: Final = 12.0


@dataclass
class Line:
    """One connection and what was counted on it."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    open_ms: float | None = None  # from the answer on
    answered_at: float = 0.0
    peer: AiortcPeer | None = None
    sent_at: dict[int, float] = field(default_factory=dict)
    answered_ms: dict[int, float] = field(default_factory=dict)
    packets: int = 0
    repeated: int = 0

    def on_open(self) -> None:
        self.open_ms = (time.monotonic() - self.answered_at) * 1000
        self.opened.set()

    def on_message(self, frame: str | bytes) -> None:
        number = json.loads(frame)["n"]
        self.answered_ms[number] = (time.time() - self.sent_at[number]) * 1000

    def count_packets(self) -> None:
        """The association's own counts are not kept, so they are taken where it sends."""
        sctp = self.peer._connection.sctp if self.peer is not None else None
        if sctp is None:
            raise RuntimeError("not connected")
        send = sctp._send_chunk

        async def counted(chunk: Chunk) -> None:
            if isinstance(chunk, DataChunk):
                self.packets += 1
                self.repeated += chunk._sent_count > 1
            await send(chunk)

        sctp._send_chunk = counted  # type: ignore[method-assign]


class Gateway:
    """Answers the verbs of `bench.loss`."""

    def __init__(self) -> None:
        addresses = (rule_of(GATEWAY_ADDRESS),)
        self._peers = {
            name: AiortcPeers(AiortcSettings(addresses=addresses, connect_timeout_s=CONNECT_MAX_S, timers=timers))
            for name, timers in TIMERS.items()
        }
        self._lines: dict[str, Line] = {}

    async def answer(self, verb: str, given: dict[str, Any]) -> Any:
        match verb:
            case "accept":
                return {
                    name: await self._accept(name, offer["timers"], offer["sdp"])
                    for name, offer in given["offers"].items()
                }
            case "opened":
                return await self._opened(given["names"])
            case "send":
                return await self._send(given["traffic"], given["seconds"])
            case "close":
                return await self._close(given["names"])
        raise ValueError(verb)

    async def _accept(self, name: str, timers: str, sdp: str) -> str:
        line = self._lines[name] = Line()
        handlers = PeerHandlers(on_open=line.on_open, on_message=line.on_message, on_closed=lambda _: None)
        line.peer = self._peers[timers].create(handlers)
        answer = await line.peer.accept(sdp)
        line.answered_at = time.monotonic()
        line.count_packets()
        return answer

    async def _opened(self, names: list[str]) -> dict[str, float | None]:
        """Milliseconds from each answer to its open channel; None for those that do not open in time."""
        waiting = [asyncio.create_task(self._lines[name].opened.wait()) for name in names]
        _, late = await asyncio.wait(waiting, timeout=CONNECT_MAX_S)
        for task in late:
            task.cancel()
        return {name: self._lines[name].open_ms for name in names}

    async def _send(self, traffic: dict[str, dict[str, Any]], seconds: float) -> dict[str, dict[str, Any]]:
        for name in traffic:
            line = self._lines[name]
            line.sent_at, line.answered_ms, line.packets, line.repeated = {}, {}, 0, 0
        async with asyncio.TaskGroup() as tasks:
            for place, (name, kind) in enumerate(traffic.items()):
                # Each line begins at a moment of its own.
                offset_s = kind["every_ms"] / 1000 * place / len(traffic)
                tasks.create_task(self._send_on(self._lines[name], kind, offset_s, seconds))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                for name, kind in traffic.items():
                    while not self._is_done(self._lines[name], kind["answered"]):  # noqa: ASYNC110 - SCTP tells nobody
                        await asyncio.sleep(0.02)
        return {name: self._counted(self._lines[name]) for name in traffic}

    def _counted(self, line: Line) -> dict[str, Any]:
        return {
            "sent_at": line.sent_at,
            "answered_ms": list(line.answered_ms.values()),
            "packets": line.packets,
            "repeated": line.repeated,
            "rtt_ms": None if line.peer is None else line.peer.stats().rtt_ms,
        }

    async def _send_on(self, line: Line, kind: dict[str, Any], offset_s: float, seconds: float) -> None:
        if line.peer is None:
            raise RuntimeError("not connected")
        every_s = kind["every_ms"] / 1000
        began = time.monotonic() + offset_s
        for number in range(int(seconds / every_s)):
            await asyncio.sleep(began + number * every_s - time.monotonic())
            line.sent_at[number] = time.time()
            try:
                line.peer.send(json.dumps({"n": number, "answer": kind["answered"], "text": "Groceries: oat milk"}))
            except PeerClosedError:
                return

    def _is_done(self, line: Line, answered: bool) -> bool:
        if line.peer is None:
            return True
        stats = line.peer.stats()
        return stats.bytes_unacked + stats.bytes_buffered == 0 and (
            not answered or len(line.answered_ms) == len(line.sent_at)
        )

    async def _close(self, names: list[str]) -> None:
        for name in names:
            if (peer := self._lines.pop(name).peer) is not None:
                peer.close()
        for peers in self._peers.values():
            await peers.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(answer_lines(Gateway().answer))
