"""What each service's user may say and hear on a real server, and what a service does that may say too little."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from nats.aio.client import Client

from bus.permitted import permits
from contracts import permissions, subjects
from contracts.permissions import USERS, Permissions
from contracts.streams import STREAMS
from local_stack.temporary import RunningNats, running_nats, temporary_directory

BOUND_S = 20
# What nobody but topology may touch, and what nobody at all may.
MANAGEMENT = (
    "$JS.API.INFO",
    *(f"$JS.API.STREAM.{verb}.CHAT" for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT")),
    "$JS.API.CONSUMER.DELETE.CHAT.agent-0",
    "$JS.API.CONSUMER.DURABLE.CREATE.CHAT.agent-0",
)
FORBIDDEN = (
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
    "$SYS.ACCOUNT.x.DISCONNECT",
    # Forged: only a stream says these.
    "job.chat.0.x.x",
    "live.job.chat.0.x.x",
    "live.evt.chat.x.x.completed",
    "_INBOX.x",
    "anything",
)
# Who may, by hand: the table that the allow-lists have to come to.
ONLY = {
    subjects.TODO_APPLY: {"agent"},
    subjects.TODO_TAKE_OVER: {"agent"},
    subjects.TODO_CANCEL: {"agent", "rtc-gateway"},
    subjects.OPS_RUN: {"rtc-gateway", "mcp-bridge"},
    subjects.RTC_OFFER: {"signaling"},
    "evt.todo.x.changed": {"todo-store"},
    "evt.chat.x.x.start": {"rtc-gateway"},
    "evt.chat.x.x.completed": {"agent"},
    "dlq.chat.x.x": {"agent"},
    "ctl.turn.x.cancel": {"rtc-gateway"},
    "ctl.agent.x.model": {"agent"},
    "$JS.ACK.CHAT.agent-0.1.1.1.1.0": {"agent"},
    "$JS.API.DIRECT.GET.CHAT": {"agent", "rtc-gateway"},
    "$JS.API.CONSUMER.INFO.CHAT.agent-0": {"agent", "topology"},
    "$JS.API.STREAM.INFO.CHAT": {"agent", "topology"},
    **{subject: {"topology"} for subject in MANAGEMENT},
    **{subject: set[str]() for subject in FORBIDDEN},
}


def example(pattern: str) -> str:
    """A subject that the pattern matches."""
    return re.sub(r"[*>]", "x", pattern)


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[RunningNats]:
    """One of our own: what is said here is kept by its streams."""
    with temporary_directory() as directory:
        async with running_nats(directory) as running:
            yield running


class Speaking:
    """A user's connection, and which of its subjects the server refused."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.refused: set[str] = set()

    async def note(self, error: Exception) -> None:
        found = re.search(r'permissions violation for \w+ to "([^"]*)"', str(error).lower())
        if found:
            self.refused.add(found.group(1))

    async def publish(self, *wanted: str) -> set[str]:
        """Those of `wanted` that were refused."""
        for subject in wanted:
            await self._client.publish(subject, b"{}")
        return await self._settled(wanted)

    async def subscribe(self, *wanted: str) -> set[str]:
        """Those of `wanted`, subjects or `subject queue`, that were refused; one subject may be there but once."""
        for entry in wanted:
            subject, _, queue = entry.partition(" ")
            await self._client.subscribe(subject, queue=queue)
        return await self._settled(wanted)

    async def _settled(self, wanted: tuple[str, ...]) -> set[str]:
        for _ in range(2):
            await self._client.flush(timeout=BOUND_S)
        refused = {entry for entry in wanted if entry.partition(" ")[0].lower() in self.refused}
        self.refused.clear()
        return refused


@asynccontextmanager
async def speaking(server: RunningNats, user: str) -> AsyncIterator[Speaking]:
    settings = server.bus_settings(user)
    client = Client()
    said = Speaking(client)
    await client.connect(
        settings.url,
        user=user,
        password=settings.password,
        inbox_prefix=settings.inbox_prefix,
        error_cb=said.note,
        allow_reconnect=False,
    )
    try:
        yield said
    finally:
        await client.close()


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.user)
async def test_a_user_may_say_what_its_list_allows_and_nothing_else(server: RunningNats, user: Permissions) -> None:
    every = {example(pattern) for known in USERS for pattern in known.publish} | set(ONLY)
    # Its own inbox too: nobody but who was asked answers there.
    every |= {f"{known.inbox_prefix}.x" for known in USERS}
    allowed = {subject for subject in every if any(permits(pattern, subject) for pattern in user.publish)}
    assert {example(pattern) for pattern in user.publish} <= allowed
    async with speaking(server, user.user) as said:
        assert await said.publish(*sorted(allowed)) == set()
        assert await said.publish(*sorted(every - allowed)) == every - allowed


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.user)
async def test_who_may_say_what_is_as_written_down(server: RunningNats, user: Permissions) -> None:
    async with speaking(server, user.user) as said:
        refused = await said.publish(*ONLY)
    assert refused == {subject for subject, may in ONLY.items() if user.user not in may}


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.user)
async def test_a_user_hears_what_its_list_allows_and_nothing_else(server: RunningNats, user: Permissions) -> None:
    inboxes = {f"{known.inbox_prefix}.>" for known in USERS}
    captured = {subject for stream in STREAMS for subject in stream.subjects}
    every = {entry for known in USERS for entry in known.subscribe} | inboxes | captured
    every |= {">", "*", "$SYS.>", "$JS.API.>", "$JS.ACK.>", "_INBOX.>", "rpc.>", "job.chat.0.>", "evt.>", "live.>"}
    # One in a queue group may not listen beside it.
    every |= {f"{entry.partition(' ')[0]} another" for entry in every if " " in entry}
    allowed = {*user.subscribe, f"{user.inbox_prefix}.>"}
    allowed |= {entry for entry in every if any(permits(pattern, entry) for pattern in allowed)}
    async with speaking(server, user.user) as said:
        assert await said.subscribe(*sorted(allowed)) == set()
    async with speaking(server, user.user) as said:
        assert await said.subscribe(*sorted(every - allowed)) == every - allowed


def without(user: Permissions, subject: str) -> tuple[Permissions, ...]:
    """All users, one of them without one of its subjects."""
    narrowed = replace(
        user,
        publish=tuple(one for one in user.publish if one != subject),
        subscribe=tuple(one for one in user.subscribe if one != subject),
    )
    assert narrowed != user
    return tuple(narrowed if known.user == user.user else known for known in USERS)


@pytest.mark.parametrize(
    ("module", "user", "subject", "said"),
    [
        ("signaling", permissions.SIGNALING, subjects.RTC_OFFER, "lacks: publish rpc.rtc.v1.offer"),
        ("agent", permissions.AGENT, "dlq.chat.*.*", "lacks: publish dlq.chat.*.*"),
        ("rtc_gateway", permissions.RTC_GATEWAY, "live.evt.*.*.>", "lacks: subscribe live.evt.*.*.>"),
        ("agent", permissions.AGENT, permissions.OWN_PERMISSIONS, "may not publish to $SYS.REQ.USER.INFO"),
    ],
)
async def test_a_service_that_may_do_too_little_says_so_at_its_start_and_stops(
    module: str, user: Permissions, subject: str, said: str
) -> None:
    with temporary_directory() as directory:
        async with running_nats(directory, without(user, subject)) as server:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module),
                env={**os.environ, "NATS_URL": server.url, "NATS_PASSWORD": server.passwords[user.user]},
                stdin=DEVNULL,
                stdout=DEVNULL,
                stderr=PIPE,
            )
            try:
                _, stderr = await asyncio.wait_for(process.communicate(), BOUND_S)
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.communicate()
    lines = [json.loads(line) for line in stderr.decode().splitlines()]
    (line,) = [line for line in lines if line["level"] == "error" and line["message"] == "cannot run"]
    assert process.returncode == 1
    assert line["detail"].endswith(said), line
    assert "serving" not in {one["message"] for one in lines}
