"""Those who are compared, each as something that plays one turn: the peers' processes, and our agent on its bus."""

import asyncio
import json
import os
import secrets
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.environments import ROOT
from bench.peers.scoring import Told, told_by_outcome, told_by_words
from bus.interface import Bus, Event
from contracts import subjects
from contracts.tokens import uuid7
from contracts.turns import Timings, TurnCompleted, TurnStarted
from local_stack.death import bound_to_us

TURN_MAX_S: Final = 40.0
START_MAX_S: Final = 60.0
LINE_MAX_BYTES: Final = 1024 * 1024
COMPLETED: Final = "live.evt.chat.>"


@dataclass(frozen=True)
class Turn:
    """One turn as it ended. `said` is the last words or the error, for people; `timings` are ours alone."""

    told: Told
    said: str
    ms: float
    lists: list[dict[str, Any]] | None = None
    timings: Timings | None = None


class Peer:
    """One peer's process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())

    @classmethod
    @asynccontextmanager
    async def running(
        cls, python: Path, name: str, url: str, env: Mapping[str, str], log: Path
    ) -> AsyncIterator["Peer"]:
        """`name` is one of the driver's PEERS."""
        with log.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *(str(python), "-m", "bench.peers.driver", name, url),
                stdin=PIPE,
                stdout=PIPE,
                stderr=said,
                cwd=ROOT,
                limit=LINE_MAX_BYTES,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": os.environ.get("HOME", "/"),
                    "PYTHONPATH": str(ROOT),
                    "OPENAI_AGENTS_DISABLE_TRACING": "1",
                    "LANGSMITH_TRACING": "false",
                    "DO_NOT_TRACK": "1",
                    **env,
                },
                preexec_fn=bound_to_us(signal.SIGKILL),
            )
            peer = cls(process)
            try:
                await peer._answer("start", START_MAX_S)
                yield peer
            finally:
                process.kill()
                await process.wait()
                peer._reading.cancel()
                await asyncio.gather(peer._reading, return_exceptions=True)

    async def turn(self, request: str, *, guard: bool, store: Mapping[str, Any]) -> Turn:
        """Play one. `store` says which, and of whom or with what in it."""
        self._order({"do": "turn", "request": request, "guard": guard, **store})
        answer = await self._answer("turn", TURN_MAX_S)
        said = answer["text"] if answer["error"] is None else answer["error"]
        told = told_by_words(None if answer["error"] is not None else answer["text"])
        return Turn(told, str(said), answer["ms"], answer["lists"])

    async def write(self, operation: Mapping[str, Any]) -> None:
        """The other writer, in the peer's own store, while a turn goes on."""
        self._order({"do": "write", "operation": operation})
        await self._answer("write", TURN_MAX_S)

    def _order(self, order: Mapping[str, Any]) -> None:
        if self._process.stdin is None:
            raise RuntimeError("no input to write to")
        self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def _answer(self, to: str, seconds: float) -> dict[str, Any]:
        waiting = self._answers.setdefault(to, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(seconds):
                return await waiting
        finally:
            self._answers.pop(to, None)

    async def _read(self) -> None:
        if self._process.stdout is None:
            raise RuntimeError("no output to read")
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            future = self._answers.setdefault(answer["did"], asyncio.get_running_loop().create_future())
            if not future.done():
                future.set_result(answer)
        for future in self._answers.values():
            if not future.done():
                future.set_exception(RuntimeError("the peer's process has ended; its log says why"))


class Ours:
    """Our agent, asked over its bus as a gateway asks it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._waiting: dict[str, asyncio.Future[TurnCompleted]] = {}

    @classmethod
    @asynccontextmanager
    async def listening(cls, bus: Bus) -> AsyncIterator["Ours"]:
        """For the length of the block."""
        ours = cls(bus)
        subscription = await bus.subscribe(COMPLETED, ours._completed)
        try:
            yield ours
        finally:
            await subscription.close()

    async def turn(self, request: str, *, owner: str) -> Turn:
        """From the word into the stream to the outcome out of it, both on disk."""
        session, turn_id = secrets.token_hex(16), uuid7()
        waiting = self._waiting[turn_id] = asyncio.get_running_loop().create_future()
        started = TurnStarted(
            session=session, turn_id=turn_id, owner=owner, text=request, accepted_at=datetime.now(UTC)
        )
        begun = time.perf_counter()
        try:
            await self._bus.store(subjects.turn_started(session, turn_id), started)
            async with asyncio.timeout(TURN_MAX_S):
                completed = await waiting
        finally:
            del self._waiting[turn_id]
        took_ms = (time.perf_counter() - begun) * 1000
        said = f"{completed.outcome.value}: {completed.text}"
        return Turn(told_by_outcome(completed.outcome), said, took_ms, timings=completed.receipt.timings)

    async def _completed(self, event: Event) -> None:
        if not event.subject.endswith(".completed"):
            return
        completed = TurnCompleted.from_json(event.data)
        waiting = self._waiting.get(completed.turn_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(completed)
