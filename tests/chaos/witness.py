"""What one session saw: each event that it was told, in order, what came on each channel, and when it had one."""

import asyncio
import time
from dataclasses import dataclass, field

from client import AgentSession, ConnectError, Feed, Lost, Missed, Opened, SessionEvent
from contracts.channel import GatewayMessage, TurnCompletedEvent, TurnPhaseEvent

from .ledger import Entry


@dataclass
class Outage:
    """From when a client noticed that its channel was lost to its next channel. Seconds of `time.monotonic`."""

    lost_at: float
    opened_at: float | None = None

    @property
    def seconds(self) -> float:
        return (time.monotonic() if self.opened_at is None else self.opened_at) - self.lost_at


@dataclass
class Witness:
    """`note` is for the session's `on_change`; `follow` runs beside it."""

    events: list[SessionEvent] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    connections: int = 0
    sessions: set[str] = field(default_factory=set)
    missed: int = 0
    address: tuple[str, int] = ("", 0)
    """The gateway's end of the newest channel."""
    wires: list[list[SessionEvent]] = field(default_factory=list)
    """The events of each connection as its gateway sent them, before the client takes repeats out."""
    unread: int = 0
    """Connections that sent more than could be recorded."""
    _moved: asyncio.Event = field(default_factory=asyncio.Event)
    _recording: set[asyncio.Task[None]] = field(default_factory=set)

    def note(self, change: Opened | Lost) -> None:
        if isinstance(change, Lost):
            self.outages.append(Outage(time.monotonic()))
        else:
            self.connections += 1
            recording = asyncio.create_task(self._record(change.client.messages_as_told()))
            self._recording.add(recording)
            recording.add_done_callback(self._recording.discard)
            self.sessions.add(change.client.ready.session)
            assert change.client.path is not None
            self.address = change.client.path.address
            if self.outages and self.outages[-1].opened_at is None:
                self.outages[-1].opened_at = time.monotonic()
        self._moved.set()

    async def _record(self, messages: Feed[GatewayMessage]) -> None:
        wire: list[SessionEvent] = []
        self.wires.append(wire)
        try:
            while True:
                message = await anext(messages)
                # An outcome with a `ref` answers a turn that was sent again, and may be of any age.
                if isinstance(message, TurnPhaseEvent) or (
                    isinstance(message, TurnCompletedEvent) and message.ref is None
                ):
                    wire.append(message)
                    self._moved.set()
        except Missed:
            self.unread += 1
        except ConnectError:
            pass

    async def until_connected(self, times: int) -> None:
        """Until there have been so many channels. Bounded by the caller."""
        while self.connections < times:
            self._moved.clear()
            await self._moved.wait()

    async def until_sent(self, events: int, *, connection: int) -> None:
        """Until so many events came on that connection, counted from 1, or another has followed. Bounded by the
        caller."""
        while len(self.wires) <= connection and (len(self.wires) < connection or len(self.wires[-1]) < events):
            self._moved.clear()
            await self._moved.wait()

    async def until_told(self, stream: str, sequence: int) -> None:
        """Until it was told an event that is as far in its stream. Bounded by the caller."""
        while not any(entry.stream == stream and entry.sequence >= sequence for entry in map(Entry.of, self.events)):
            self._moved.clear()
            await self._moved.wait()

    async def until_back_since(self, since: float) -> Outage:
        """Until there is a channel again, after the first one that was lost later than `since`. Bounded by the
        caller."""
        while True:
            for outage in self.outages:
                if outage.lost_at >= since and outage.opened_at is not None:
                    return outage
            self._moved.clear()
            await self._moved.wait()

    async def follow(self, session: AgentSession) -> None:
        """Without end."""
        events: Feed[SessionEvent] = session.events()
        while True:
            try:
                self.events.append(await anext(events))
                self._moved.set()
            except Missed:
                self.missed += 1
                events = session.events()
