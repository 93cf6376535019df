"""PostgreSQL and NATS as they are started: what they refuse, and what they keep."""

import asyncio
import stat

import asyncpg
import psutil
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from contracts import subjects
from contracts.permissions import USERS
from local_stack.account import unprivileged
from local_stack.child import Command
from local_stack.directory import DataDirectory
from local_stack.temporary import (
    RunningNats,
    RunningPostgres,
    running_nats,
    running_postgres,
    temporary_directory,
)

BOUND_S = 10.0


async def test_the_stores_user_owns_its_database_and_is_no_superuser(postgres: RunningPostgres) -> None:
    connection = await asyncpg.connect(postgres.store_url(driver="postgresql"))
    try:
        await connection.execute("CREATE TABLE mine (id int)")
        await connection.execute("DROP TABLE mine")
        assert await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE DATABASE another")
    finally:
        await connection.close()


async def test_postgres_wants_the_right_password(postgres: RunningPostgres) -> None:
    url = postgres.store_url(driver="postgresql").replace(postgres.passwords.store, "guessed")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url)


async def test_postgres_is_durable_checked_and_silent_about_contents(postgres: RunningPostgres) -> None:
    connection = await asyncpg.connect(postgres.superuser_url())
    try:
        names = ("data_checksums", "fsync", "synchronous_commit", "full_page_writes", "log_min_error_statement")
        shown = [await connection.fetchval(f"SHOW {name}") for name in names]
        assert shown == ["on", "on", "on", "on", "panic"]
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
        await connection.execute("CREATE TABLE titles (title text UNIQUE)")
        await connection.execute("INSERT INTO titles VALUES ('a very private title')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("INSERT INTO titles VALUES ('a very private title')")
        await connection.execute("DROP TABLE titles")
        # The very message quotes the value.
        with pytest.raises(asyncpg.InvalidTextRepresentationError, match="private"):
            await connection.execute("SELECT 'a very private title'::int")
    finally:
        await connection.close()
    said = (postgres.server.directory.parent / "logs" / "postgres.log").read_text()
    assert "ready to accept connections" in said
    assert "private" not in said


async def test_servers_listen_on_the_loopback_alone_and_not_as_root(
    postgres: RunningPostgres, nats_server: RunningNats
) -> None:
    for child in (postgres.child, nats_server.child):
        process = psutil.Process(child.pid)
        listening = [socket for socket in process.net_connections(kind="all") if socket.status == psutil.CONN_LISTEN]
        assert listening
        assert {socket.laddr.ip for socket in listening} == {"127.0.0.1"}
        assert not [socket for socket in process.net_connections(kind="unix") if "PGSQL" in str(socket.laddr)]
        assert process.uids().effective != 0
        assert process.gids().effective != 0


async def test_secrets_are_readable_by_their_owner_alone(
    server_directory: DataDirectory, postgres: RunningPostgres, nats_server: RunningNats
) -> None:
    del postgres, nats_server
    for secret in (server_directory.secrets, server_directory.nats / "nats.conf"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    for folder in (server_directory.postgres, server_directory.nats, server_directory.logs):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_password_stands_in_an_argument(postgres: RunningPostgres, nats_server: RunningNats) -> None:
    for child in (postgres.child, nats_server.child):
        line = " ".join(psutil.Process(child.pid).cmdline())
        assert postgres.passwords.superuser not in line
        assert not any(password in line for password in nats_server.passwords.values())


async def connected(server: RunningNats, user: str, errors: asyncio.Queue[str], password: str | None = None) -> Client:
    settings = server.bus_settings(user)

    async def heard(error: Exception) -> None:
        errors.put_nowait(str(error).lower())

    client = Client()
    try:
        await client.connect(
            settings.url,
            user=settings.user,
            password=password or settings.password,
            inbox_prefix=settings.inbox_prefix,
            allow_reconnect=False,
            error_cb=heard,
        )
    except BaseException:
        await client.close()  # a refused connection is left open by nats-py
        raise
    return client


async def test_every_user_connects_with_its_own_password_and_not_with_anothers(nats_server: RunningNats) -> None:
    for permissions in USERS:
        client = await connected(nats_server, permissions.user, asyncio.Queue())
        assert client.is_connected
        await client.close()
    passwords = {user: nats_server.bus_settings(user).password for user in ("agent", "signaling")}
    with pytest.raises(Exception, match=r"(?i)authorization violation"):
        await connected(nats_server, "agent", asyncio.Queue(), password=passwords["signaling"])


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("signaling", subjects.TODO_APPLY),
        ("rtc-gateway", subjects.TODO_APPLY),
        ("rtc-gateway", "evt.chat.s.t.completed"),
        ("agent", "evt.chat.s.t.start"),
        ("agent", "$JS.API.STREAM.DELETE.CHAT"),
        ("todo-store", "evt.chat.s.t.start"),
        ("mcp-bridge", subjects.TODO_APPLY),
        ("topology", "evt.chat.s.t.start"),
    ],
)
async def test_a_forbidden_publish_is_refused(nats_server: RunningNats, user: str, subject: str) -> None:
    errors: asyncio.Queue[str] = asyncio.Queue()
    client = await connected(nats_server, user, errors)
    try:
        await client.publish(subject, b"{}")
        refusal = await asyncio.wait_for(errors.get(), BOUND_S)
        assert "permissions violation for publish" in refusal
        assert subject.lower() in refusal
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("user", "subject", "queue"),
    [
        ("signaling", ">", ""),
        ("rtc-gateway", "_INBOX_agent.>", ""),
        ("rtc-gateway", subjects.RTC_OFFER, ""),  # only as one of its queue
        ("agent", "rpc.todo.v1.apply", subjects.QUEUE_TODO),
        ("todo-store", "rpc.todo.v1.apply", ""),
        ("mcp-bridge", "evt.chat.>", ""),
    ],
)
async def test_a_forbidden_subscription_is_refused(
    nats_server: RunningNats, user: str, subject: str, queue: str
) -> None:
    errors: asyncio.Queue[str] = asyncio.Queue()
    client = await connected(nats_server, user, errors)
    try:
        await client.subscribe(subject, queue=queue)
        assert "permissions violation for subscription" in await asyncio.wait_for(errors.get(), BOUND_S)
    finally:
        await client.close()


async def test_a_server_of_requests_may_answer_those_it_got_and_nobody_else(nats_server: RunningNats) -> None:
    errors: asyncio.Queue[str] = asyncio.Queue()
    store = await connected(nats_server, "todo-store", errors)
    agent = await connected(nats_server, "agent", errors)
    try:

        async def answer(message: object) -> None:
            await message.respond(b"yes")  # type: ignore[attr-defined]

        await store.subscribe(subjects.TODO_SNAPSHOT, queue=subjects.QUEUE_TODO, cb=answer)
        await store.flush()
        reply = await agent.request(subjects.TODO_SNAPSHOT, b"{}", timeout=BOUND_S)
        assert reply.data == b"yes"
        assert errors.empty()
        await store.publish("_INBOX_agent.guessed", b"forged")
        assert "permissions violation for publish" in await asyncio.wait_for(errors.get(), BOUND_S)
    finally:
        await store.close()
        await agent.close()


async def test_a_request_that_nobody_serves_is_told_so_at_once(nats_server: RunningNats) -> None:
    agent = await connected(nats_server, "agent", asyncio.Queue())
    try:
        with pytest.raises(NoRespondersError):
            await agent.request(subjects.TODO_SEARCH, b"{}", timeout=BOUND_S)
    finally:
        await agent.close()


async def test_rows_and_messages_survive_a_kill_of_the_servers() -> None:
    with temporary_directory() as directory:
        async with running_postgres(directory) as postgres, running_nats(directory) as nats:
            connection = await asyncpg.connect(postgres.store_url(driver="postgresql"))
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            gateway = await connected(nats, "rtc-gateway", asyncio.Queue())
            stored = await gateway.request("evt.chat.s.t.start", b"{}", timeout=BOUND_S)
            assert b'"seq":1' in stored.data.replace(b" ", b"")
            for child in (postgres.child, nats.child):
                child.kill()
                assert await child.ended_within(BOUND_S)
            connection.terminate()
            await gateway.close()
        async with running_postgres(directory) as postgres, running_nats(directory) as nats:
            connection = await asyncpg.connect(postgres.store_url(driver="postgresql"))
            assert await connection.fetchval("SELECT answer FROM kept") == 42
            await connection.close()
            gateway = await connected(nats, "rtc-gateway", asyncio.Queue())
            again = await gateway.request("evt.chat.s.t.start", b"{}", timeout=BOUND_S)
            assert b"10077" in again.data  # the subject holds its one message
            await gateway.close()


async def test_a_servers_environment_holds_nothing_of_ours(postgres: RunningPostgres, nats_server: RunningNats) -> None:
    for command in (postgres.server.command(), nats_server.server.command()):
        assert isinstance(command, Command)
        assert set(command.env) <= {"PATH", "LANG", "LC_ALL", "TZ"}
        assert command.account == unprivileged()
