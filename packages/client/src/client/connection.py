"""The client itself: requests go out, answers find their requests, events find their readers."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Self, TypeVar

from client.board import Lists
from client.channel import Path, PeerChannel
from client.errors import ClientError, ConnectError, Missed, Rejected, TimedOut, is_certain
from client.feed import Feed
from client.inbox import Inbox, PhaseHandler
from client.resuming import Resumption
from client.sending import checked, frames_of, new_message_id, traceparent_of
from client.signaling import Signaling
from contracts.channel import (
    FromPage,
    GatewayMessage,
    HistoryGet,
    HistoryPage,
    OperationCompleted,
    Ping,
    Pong,
    RunOperation,
    StateGet,
    TokenRenew,
    TokenRenewed,
    TurnAccepted,
    TurnCancelRequest,
    TurnStart,
)
from contracts.message import ErrorCode, Message, Problem
from contracts.model_status import ModelStatus
from contracts.operations import Operation
from contracts.signaling import Ready, Seen
from contracts.todo import JournalEntry
from contracts.tokens import uuid7
from contracts.turns import OperationsCompleted, TurnCompleted

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 20.0
PING_EVERY_S: Final = 3.0
SILENT_MAX_S: Final = 9.0  # the gateway pings as often as we do
SENDS_MAX: Final = 3
LISTS_TIMEOUT_S: Final = 30.0
HISTORY_TIMEOUT_S: Final = 20.0
RENEW_TIMEOUT_S: Final = 10.0

ResultT = TypeVar("ResultT")


class AgentClient:
    """One connection. Made by `connect`; may be used by several tasks at once."""

    def __init__(self, ready: Ready, seen: Seen | None = None) -> None:
        self.ready = ready
        """What the server said when we entered: the session, the owner's name, limits."""
        self.path: Path | None = None
        """The way that ICE found, once the channel is open."""
        self.token_expires_at = ready.token_expires_at
        """When the gateway will close the channel, unless `renew` moves it on; None: never."""
        self._inbox = Inbox(on_ping=lambda message_id: self.send(Pong(ref=message_id)), seen=seen or Seen())
        self._channel = PeerChannel(ready.ice_servers, on_frame=self._inbox.on_frame, on_closed=self._inbox.on_closed)

    @property
    def draining(self) -> asyncio.Event:
        """Set once the gateway has said that it is going: connect anew while this channel still lives."""
        return self._inbox.draining

    @property
    def model(self) -> ModelStatus | None:
        """Whether the language model can be asked, as the gateway said last; None before it knows. `messages()` has
        each change."""
        return self._inbox.model

    @property
    def lost_because(self) -> ClientError | None:
        """Why the connection is lost; None while it lives."""
        return self._inbox.lost_because

    @property
    def resumption(self) -> Resumption | None:
        """What another connection needs to go on with this session, from what was told up to now. None from a server
        that resumes none."""
        ready = self.ready
        return None if ready.resume_token is None else Resumption(ready.session, ready.resume_token, self._inbox.seen)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        url: str,
        *,
        token: str | None = None,
        time_zone: str = "UTC",
        resume: Resumption | None = None,
        timeout: float = CONNECT_TIMEOUT_S,
    ) -> AsyncIterator[Self]:
        """Connect to the page's address or the socket's, for the length of the block. Raises ConnectError.

        `resume` is that of an earlier connection, to go on with its session, on any gateway: what its `seen` is behind
        is told first. `ready.resumed` is false where that could not be, and this is a new session. Whoever asks for
        `messages()` first thing in the block misses none.
        """
        async with Signaling(url, timeout=timeout) as signaling:
            client: Self | None = None
            tasks: list[asyncio.Task[None]] = []
            try:
                step = "the server did not say that we may enter"
                try:
                    async with asyncio.timeout(timeout):
                        ready = await signaling.hello(token, time_zone, resume)
                        client = cls(ready, resume.seen if resume and ready.resumed else None)
                        step = "no gateway answered"
                        answer = await signaling.offer(1, await client._channel.offer())
                        step = "the data channel did not open; is UDP to the gateway blocked, and no TURN server set?"
                        client._inbox.hold()
                        client._opened(await client._channel.connect(answer))
                except TimeoutError as error:
                    raise ConnectError(ErrorCode.CONNECT_FAILED, f"{step} (within {timeout:g} s)") from error
                loop = asyncio.get_running_loop()
                tasks = [loop.create_task(client._beat()), loop.create_task(client._listen(signaling))]
                loop.call_soon(client._inbox.release)
                yield client
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await signaling.bye()
                if client is not None:
                    client._inbox.lose(ConnectError(ErrorCode.UNAVAILABLE, "this client was closed; connect again"))
                    await client._channel.close()

    async def ask(
        self,
        text: str,
        *,
        on_phase: PhaseHandler | None = None,
        timeout: float = 120.0,
        turn_id: str | None = None,
        traceparent: str | None = None,
    ) -> TurnCompleted:
        """Ask in words and wait for the outcome. `on_phase` hears of PLAN, EXECUTE and CONFIRM as they begin.

        Raises Rejected (nothing was or will be done), TimedOut, ConnectError. `turn_id` may be that of an earlier
        call which ended in doubt: it will not be done twice.
        """
        turn_id = turn_id or uuid7()
        own = traceparent or traceparent_of(turn_id)
        turn = self._inbox.follow(turn_id, on_phase)
        try:
            async with asyncio.timeout(timeout):
                await self._answered(
                    lambda message_id: TurnStart(
                        id=message_id, turn_id=turn_id, text=text, sent_at=datetime.now(UTC), traceparent=own
                    ),
                    TurnAccepted,
                )
                return await self._inbox.unless_lost(turn.completed)
        except TimeoutError as error:
            detail = f"no outcome of turn {turn_id} within {timeout:g} s; it may still come, so look at the lists first"
            raise TimedOut(detail) from error
        finally:
            del self._inbox.turns[turn_id]

    async def cancel(self, turn_id: str) -> None:
        """Ask for a turn to be stopped. What became of it is told by its outcome."""
        self.send(checked(lambda: TurnCancelRequest(id=new_message_id(), turn_id=turn_id)))

    async def run(
        self,
        operations: Sequence[Operation],
        *,
        operation_id: str | None = None,
        expected_revision: int | None = None,
        timeout: float = 60.0,
    ) -> OperationsCompleted:
        """Run operations without a model, as a click on the board does. Raises as `ask` does."""
        operation_id = operation_id or uuid7()
        try:
            async with asyncio.timeout(timeout):
                answer = await self._answered(
                    lambda message_id: RunOperation(
                        id=message_id,
                        operation_id=operation_id,
                        operations=tuple(operations),
                        expected_revision=expected_revision,
                        traceparent=traceparent_of(operation_id),
                    ),
                    OperationCompleted,
                )
        except TimeoutError as error:
            detail = f"no answer to operation {operation_id} within {timeout:g} s; send it again with the same id"
            raise TimedOut(detail) from error
        return answer.result

    async def lists(self, *, timeout: float = LISTS_TIMEOUT_S) -> Lists:
        """Read every list with its items. Raises as `ask` does."""
        message = StateGet(id=new_message_id())
        waiting = self._inbox.expect(message.id)
        try:
            async with asyncio.timeout(timeout):
                self.send(message)
                answer = await self._inbox.unless_lost(waiting.answer)
        except TimeoutError as error:
            raise TimedOut(f"the lists did not come within {timeout:g} s; ask again") from error
        finally:
            del self._inbox.waiting[message.id]
        if isinstance(answer, Problem):
            raise Rejected(answer)
        parts = [(part.list, part.items) for part in waiting.parts if part.list is not None]
        return Lists(revision=waiting.parts[0].revision, lists=tuple(parts))

    async def history(
        self, *, before: int | None = None, limit: int = 50, timeout: float = HISTORY_TIMEOUT_S
    ) -> HistoryPage:
        """This session's newest turns, or the newest of those before the turn with the `seq` that is given. Raises as
        `ask` does."""
        try:
            async with asyncio.timeout(timeout):
                return await self._answered(
                    lambda message_id: HistoryGet(id=message_id, before=before, limit=limit), HistoryPage
                )
        except TimeoutError as error:
            raise TimedOut(f"the history did not come within {timeout:g} s; ask again") from error

    async def renew(self, token: str, *, timeout: float = RENEW_TIMEOUT_S) -> datetime:
        """Go on under a new access token of the same owner, before the old one expires; returns when this one does.
        Raises as `ask` does."""
        try:
            async with asyncio.timeout(timeout):
                answer = await self._answered(lambda message_id: TokenRenew(id=message_id, token=token), TokenRenewed)
        except TimeoutError as error:
            raise TimedOut(f"the new token was not taken within {timeout:g} s; send it again") from error
        self.token_expires_at = answer.expires_at
        return answer.expires_at

    def messages(self) -> Feed[GatewayMessage]:
        """Every message from now on, pings too; of the session's events each once."""
        return self._inbox.messages()

    def messages_as_told(self) -> Feed[GatewayMessage]:
        """Every message from now on as the gateway sends it, events that were told before too: for tests of what a
        gateway repeats."""
        return self._inbox.messages_as_told()

    def changes(self) -> Feed[JournalEntry]:
        """Every change to the owner's lists from now on, whoever made it, once and without a gap: where the gateway has
        passed changes over, it raises Missed."""
        return self._inbox.changes()

    async def board(self, *, timeout: float = LISTS_TIMEOUT_S) -> AsyncGenerator[Lists, None]:
        """The owner's lists, now and after each change, without end; read again where changes were missed. `timeout`
        bounds each reading, in seconds. Raises as `lists` does, and ConnectError when the connection is lost."""
        while True:
            changes = self._inbox.changes_as_told()
            shown: Lists | None = await self.lists(timeout=timeout)
            try:
                while shown is not None:
                    yield shown
                    revision = shown.revision
                    while shown is not None and shown.revision == revision:
                        shown = shown.after(await anext(changes))
            except Missed:
                log.info("changes missed")

    def send_raw(self, frame: str) -> None:
        """Send one frame as it is: for tests of what a gateway does with bad ones."""
        self._channel.send(frame)

    def send(self, message: Message) -> None:
        """Send one message. Raises Rejected where it is too large, ClientError where the connection is lost."""
        if self._inbox.lost_because is not None:
            raise self._inbox.lost_because
        for frame in frames_of(message):
            try:
                self._channel.send(frame)
            except ConnectError as error:
                # One that is closing takes nothing more, though its end is told later: it is lost from now on.
                self._inbox.lose(error)
                raise

    async def _answered(self, make: Callable[[str], FromPage], wanted: type[ResultT]) -> ResultT:
        """Send a request and wait for its answer. Made again, with the same id of the deed, while the gateway says
        that it cannot tell whether it was done."""
        for attempt in range(1, SENDS_MAX + 1):
            message = checked(lambda: make(new_message_id()))
            waiting = self._inbox.expect(message.id)
            try:
                self.send(message)
                answer = await self._inbox.unless_lost(waiting.answer)
            finally:
                del self._inbox.waiting[message.id]
            if isinstance(answer, wanted):
                return answer
            if not isinstance(answer, Problem):
                raise ClientError(f"the gateway answered with {answer.type}; is it of another version?")
            if is_certain(answer) and attempt == 1:
                raise Rejected(answer)
            # A refusal after a doubt is of this try alone: the one before may have been carried out.
            log.info("answer in doubt", extra={"attempt": attempt})
        raise TimedOut(f"the gateway could not tell after {SENDS_MAX} tries whether it was done; look at the lists")

    def _opened(self, path: Path) -> None:
        self.path = path
        # Silence counts from here: nothing can be heard before, and opening may take longer than a silence may last.
        self._inbox.heard_at = asyncio.get_running_loop().time()
        self.send(path.report(new_message_id()))

    async def _beat(self) -> None:
        """Be heard when nothing else is said, and notice a gateway that died without a word: ICE needs half a minute
        for that."""
        now = asyncio.get_running_loop().time
        ping_at = now()
        while (silent_at := self._inbox.heard_at + SILENT_MAX_S) > now():
            if ping_at <= now():
                ping_at = now() + PING_EVERY_S
                try:
                    self.send(Ping(id=new_message_id()))
                except ClientError as error:
                    self._inbox.lose(error)
                    return
            await asyncio.sleep(min(silent_at, ping_at) - now())
        self._inbox.lose(ConnectError(ErrorCode.TIMEOUT, f"nothing came from the gateway for {SILENT_MAX_S:g} s"))

    async def _listen(self, signaling: Signaling) -> None:
        """The channel outlives the socket; what still comes here is read so that the server is not held up."""
        try:
            while True:
                await signaling.receive()
        except ConnectError as error:
            log.info("signaling ended", extra={"code": error.code.value})
