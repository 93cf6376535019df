"""A session that outlives its connections: what is asked is answered once, what happened is told once."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Self

from client.backoff import renewal_in_s
from client.board import Lists
from client.connection import LISTS_TIMEOUT_S, AgentClient
from client.conversation import ChangeHandler, Conversation, SessionEvent
from client.errors import ClientError, ConnectError, TimedOut
from client.feed import Feed
from client.inbox import PhaseHandler
from client.reconnecting import Reconnecting
from client.resuming import Resumption
from client.sending import checked, traceparent_of
from contracts.channel import GatewayMessage, RunOperation, TurnStart
from contracts.message import ErrorCode
from contracts.operations import Operation
from contracts.tokens import uuid7
from contracts.turns import OperationsCompleted, TurnCompleted

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S: Final = 20.0
ATTEMPT_TIMEOUT_S: Final = 15.0

TokenSource = str | Callable[[], Awaitable[str]]
"""An access token, or what brings a fresh one, for each connection and before it expires; where there is none just now,
by raising ConnectError."""


class AgentSession:
    """Made by `open`; may be used by several tasks at once."""

    def __init__(
        self,
        url: str,
        token: TokenSource | None,
        time_zone: str,
        conversation: Conversation,
        chance: Callable[[], float],
    ) -> None:
        self._url = url
        self._token = token
        self._time_zone = time_zone
        self._conversation = conversation
        self._reconnecting = Reconnecting(self._connected, conversation, chance)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        token: TokenSource | None = None,
        time_zone: str = "UTC",
        timeout: float | None = OPEN_TIMEOUT_S,
        chance: Callable[[], float] = random.random,
        on_change: ChangeHandler | None = None,
    ) -> AsyncIterator[Self]:
        """Be connected to the page's address or the socket's, for the length of the block, over one connection after
        the other. Raises ConnectError where there is none within `timeout` seconds.

        A lost connection is followed by another, to any gateway, after a random wait of up to 0.5 s, then up to 10 s. A
        final error (another connection has this session, we may not enter, another version) ends the session: whoever
        waits or asks is raised it. `chance` gives numbers from 0 to below 1; `on_change` hears of each channel.
        """
        conversation = Conversation(chance, on_change)
        session = cls(url, token, time_zone, conversation, chance)
        running = asyncio.get_running_loop().create_task(session._run())
        try:
            await session._until_open(timeout)
            yield session
        finally:
            conversation.stopped(ConnectError(ErrorCode.UNAVAILABLE, "this session was closed; open another"))
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                running.result()

    @property
    def resumption(self) -> Resumption | None:
        """What another connection needs to go on with this session, which ends this one; None without a session."""
        return self._conversation.resumption

    async def ask(
        self,
        text: str,
        *,
        turn_id: str | None = None,
        on_phase: PhaseHandler | None = None,
        timeout: float = 120.0,
        traceparent: str | None = None,
    ) -> TurnCompleted:
        """Ask in words and wait for the outcome, over any number of connections. `on_phase` hears of PLAN, EXECUTE and
        CONFIRM as they begin.

        Raises Rejected (nothing was or will be done), TimedOut, and ConnectError once the session has ended. `turn_id`
        may be that of an earlier call which ended in doubt: it will not be done twice.
        """
        turn_id = turn_id or uuid7()
        now = datetime.now(UTC)
        request = checked(
            lambda: TurnStart(
                id=turn_id, turn_id=turn_id, text=text, sent_at=now, traceparent=traceparent or traceparent_of(turn_id)
            )
        )
        return await self._conversation.outcome(request, TurnCompleted, timeout=timeout, on_phase=on_phase)

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
        request = checked(
            lambda: RunOperation(
                id=operation_id,
                operation_id=operation_id,
                operations=tuple(operations),
                expected_revision=expected_revision,
                traceparent=traceparent_of(operation_id),
            )
        )
        return await self._conversation.outcome(request, OperationsCompleted, timeout=timeout)

    async def lists(self, *, timeout: float = LISTS_TIMEOUT_S) -> Lists:
        """Read every list with its items. Raises as `ask` does."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    client = await self._conversation.channel()
                    try:
                        return await client.lists(timeout=timeout)
                    except ConnectError as error:
                        log.info("lists not read", extra={"code": error.code.value})
        except TimeoutError as error:
            raise TimedOut(f"the lists did not come within {timeout:g} s; ask again") from error

    def events(self) -> Feed[SessionEvent]:
        """Every phase and outcome of the session from now on, in order and once, over all its connections.

        Ends with Missed where some are lost: the session could not be resumed, or more was missed than is told again.
        Outcomes of turns that were asked before stand in for them.
        """
        return self._conversation.events()

    def messages(self) -> Feed[GatewayMessage]:
        """Every message from now on, pings too, and outcomes that are told again to a turn that was sent again."""
        return self._conversation.messages()

    async def _until_open(self, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._conversation.channel()
        except TimeoutError as error:
            detail = f"there was no connection within {timeout} s"
            why = self._reconnecting.last_failure or ConnectError(ErrorCode.TIMEOUT, detail)
            raise why from error

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(self._conversation.send_what_is_due())
                await self._reconnecting.run()
                sending.cancel()
        finally:
            self._conversation.stopped(ConnectError(ErrorCode.INTERNAL, "this session failed; open another"))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AgentClient]:
        connection = AgentClient.connect(
            self._url,
            token=await self._token() if callable(self._token) else self._token,
            time_zone=self._time_zone,
            resume=self._conversation.resumption,
            timeout=ATTEMPT_TIMEOUT_S,
        )
        async with connection as client, asyncio.TaskGroup() as tasks:
            renewing = tasks.create_task(self._renew(client))
            yield client
            renewing.cancel()

    async def _renew(self, client: AgentClient) -> None:
        while callable(self._token) and client.token_expires_at is not None:
            await asyncio.sleep(renewal_in_s(client.token_expires_at, datetime.now(UTC)))
            try:
                await client.renew(await self._token())
            except ClientError as error:
                log.warning("token not renewed", extra={"error_type": type(error).__qualname__})
