"""The service as a process, on a real bus, as its own user: what it serves, tells, survives and refuses to start on."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bus.errors import NoReplyError, RemoteError
from bus.interface import Event
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.message import ErrorCode
from contracts.operations import CreateItem, CreateList
from contracts.store import (
    ApplyRequest,
    ApplyResult,
    ApplyStatus,
    CancelRequest,
    CancelResult,
    Changes,
    ChangesRequest,
    Plan,
    SearchRequest,
    SearchResult,
    SnapshotPart,
    SnapshotRequest,
    TakeOverRequest,
    TakeOverResult,
)
from contracts.todo import Author, TodoChanged
from contracts.tokens import owner_key, uuid7
from local_stack.ports import free_port
from local_stack.temporary import RunningNats

BOUND_S = 20.0
CRASH_NOTICED_S = 1.0


async def process(*arguments: str, **env: str) -> Process:
    kept = {"PATH": os.environ["PATH"]}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "todo_store", *arguments, env=kept | env, stdout=PIPE, stderr=PIPE
    )


async def ended(running: Process) -> tuple[int | None, str]:
    """Its exit status, and what it said last."""
    async with asyncio.timeout(BOUND_S):
        _, said = await running.communicate()
    return running.returncode, said.decode()


async def port_of(running: Process) -> int:
    """Where it serves its health; read from its log."""
    assert running.stderr is not None
    async with asyncio.timeout(BOUND_S):
        while line := await running.stderr.readline():
            said = json.loads(line)
            if said["message"] == "serving":
                return int(said["port"])
    raise AssertionError("the service ended before it served")


@asynccontextmanager
async def service(database_url: str, nats: RunningNats, **env: str) -> AsyncIterator[Process]:
    """A store that serves; stopped with the block if it still lives."""
    password = nats.bus_settings("todo-store").password
    running = await process(DATABASE_URL=database_url, NATS_URL=nats.url, NATS_PASSWORD=password, **env)
    try:
        await port_of(running)
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await ended(running)


@pytest.fixture
async def agent(nats_server: RunningNats) -> AsyncIterator[NatsBus]:
    async with NatsBus.connected_to(nats_server.bus_settings("agent")) as bus:
        yield bus


def create(owner: str, operation_id: str | None = None, attempt: int = 1) -> ApplyRequest:
    return ApplyRequest(
        owner=owner,
        operation_id=operation_id or uuid7(),
        attempt=attempt,
        author=Author.CHAT,
        operations=(
            CreateList(list_id="l1", name="Groceries"),
            CreateItem(item_id="i1", list_id="l1", title="milk"),
        ),
        plan=Plan(revision=0),
    )


def unmarked(part: SnapshotPart) -> SnapshotPart:
    return part.model_copy(update={"mark": None})


async def snapshot(bus: NatsBus, owner: str) -> list[SnapshotPart]:
    request = SnapshotRequest(owner=owner)
    return [part async for part in bus.request_many(subjects.TODO_SNAPSHOT, request, SnapshotPart, timeout=BOUND_S)]


async def test_every_verb_is_served_and_a_change_is_told(
    database_url: str, nats_server: RunningNats, agent: NatsBus
) -> None:
    owner, turn = owner_key("test", uuid7()), uuid7()
    told: asyncio.Queue[TodoChanged] = asyncio.Queue()

    async def take(event: Event) -> None:
        told.put_nowait(TodoChanged.from_json(event.data))

    async with (
        service(database_url, nats_server),
        NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as gateway,
        asyncio.timeout(BOUND_S),
    ):
        await gateway.subscribe(subjects.todo_changed(owner), take)
        assert [unmarked(part) for part in await snapshot(agent, owner)] == [SnapshotPart(revision=0)]
        result = await agent.request(subjects.TODO_APPLY, create(owner, turn), ApplyResult, timeout=BOUND_S)
        assert (result.status, result.revision_after) == (ApplyStatus.APPLIED, 1)
        changed = await told.get()
        assert (changed.owner, changed.entry.change_id) == (owner, result.change_id)
        assert [item.title for part in await snapshot(agent, owner) for item in part.items] == ["milk"]
        changes = await agent.request(
            subjects.TODO_CHANGES, ChangesRequest(owner=owner, since=0), Changes, timeout=BOUND_S
        )
        assert changes.entries == (changed.entry,)
        found = await agent.request(
            subjects.TODO_SEARCH, SearchRequest(owner=owner, query="milk"), SearchResult, timeout=BOUND_S
        )
        assert found.total == 1
        taken = await agent.request(
            subjects.TODO_TAKE_OVER,
            TakeOverRequest(owner=owner, operation_id=turn),
            TakeOverResult,
            timeout=BOUND_S,
        )
        assert taken.result == result.model_copy(update={"repeated": True})
        cancelled = await agent.request(
            subjects.TODO_CANCEL, CancelRequest(owner=owner, operation_id=turn), CancelResult, timeout=BOUND_S
        )
        assert cancelled.too_late
        with pytest.raises(RemoteError) as caught:
            await agent.request(subjects.TODO_APPLY, create(owner, attempt=3), ApplyResult, timeout=BOUND_S)
        assert (caught.value.problem.code, caught.value.problem.field) == (ErrorCode.INVALID, "attempt")


async def test_two_stores_share_the_work_and_tell_each_change_once(
    database_url: str, nats_server: RunningNats, agent: NatsBus
) -> None:
    owner = owner_key("test", uuid7())
    revisions: list[int] = []
    last = asyncio.Event()

    async def take(event: Event) -> None:
        revisions.append(TodoChanged.from_json(event.data).entry.revision)
        if revisions[-1] == 20:
            last.set()

    async with (
        service(database_url, nats_server),
        service(database_url, nats_server),
        NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as gateway,
        asyncio.timeout(BOUND_S),
    ):
        await gateway.subscribe(subjects.todo_changed(owner), take)
        requests = [
            create(owner).model_copy(update={"operations": (CreateList(list_id=f"l{n}", name="x"),)}) for n in range(20)
        ]
        results = await asyncio.gather(
            *(agent.request(subjects.TODO_APPLY, request, ApplyResult, timeout=BOUND_S) for request in requests)
        )
        await last.wait()
    assert sorted(result.revision_after or 0 for result in results) == list(range(1, 21))
    assert revisions == list(range(1, 21))


async def test_a_store_that_dies_before_its_commit_has_done_nothing(
    database_url: str, nats_server: RunningNats, agent: NatsBus
) -> None:
    owner, turn = owner_key("test", uuid7()), uuid7()
    async with service(database_url, nats_server, CRASH_AT="before_apply_commit") as doomed:
        with pytest.raises(NoReplyError):
            await agent.request(subjects.TODO_APPLY, create(owner, turn), ApplyResult, timeout=CRASH_NOTICED_S)
        assert (await ended(doomed))[0] == -signal.SIGKILL
    async with service(database_url, nats_server):
        assert [unmarked(part) for part in await snapshot(agent, owner)] == [SnapshotPart(revision=0)]
        result = await agent.request(subjects.TODO_APPLY, create(owner, turn), ApplyResult, timeout=BOUND_S)
    assert (result.status, result.repeated, result.revision_after) == (ApplyStatus.APPLIED, False, 1)


async def test_a_store_that_dies_after_its_commit_has_done_it_once_and_tells_it_later(
    database_url: str, nats_server: RunningNats, agent: NatsBus
) -> None:
    owner, turn = owner_key("test", uuid7()), uuid7()
    told: asyncio.Queue[TodoChanged] = asyncio.Queue()

    async def take(event: Event) -> None:
        told.put_nowait(TodoChanged.from_json(event.data))

    async with service(database_url, nats_server, CRASH_AT="after_apply_commit") as doomed:
        with pytest.raises(NoReplyError):
            await agent.request(subjects.TODO_APPLY, create(owner, turn), ApplyResult, timeout=CRASH_NOTICED_S)
        assert (await ended(doomed))[0] == -signal.SIGKILL
    async with (
        NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as gateway,
        asyncio.timeout(BOUND_S),
    ):
        await gateway.subscribe(subjects.todo_changed(owner), take)
        async with service(database_url, nats_server):
            assert (await told.get()).entry.operation_id == turn
            result = await agent.request(subjects.TODO_APPLY, create(owner, turn), ApplyResult, timeout=BOUND_S)
            assert (result.repeated, result.revision_after) == (True, 1)
            assert (await snapshot(agent, owner))[0].revision == 1


async def test_it_is_ready_when_bus_and_schema_are_there(database_url: str, nats_server: RunningNats) -> None:
    password = nats_server.bus_settings("todo-store").password
    running = await process(DATABASE_URL=database_url, NATS_URL=nats_server.url, NATS_PASSWORD=password)
    try:
        port = await port_of(running)
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://127.0.0.1:{port}/readyz", timeout=BOUND_S)
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    finally:
        running.terminate()
        status, said = await ended(running)
    assert status == 0, said


async def test_migrating_what_is_migrated_already_succeeds(database_url: str) -> None:
    status, said = await ended(await process("migrate", DATABASE_URL=database_url))
    assert status == 0, said


async def test_migrating_a_database_that_is_away_fails_in_one_line_without_its_password() -> None:
    url = f"postgresql+asyncpg://me:hunter2@127.0.0.1:{free_port()}/todo"
    status, said = await ended(await process("migrate", DATABASE_URL=url, DATABASE_WAIT_S="0"))
    assert status == 1
    (line,) = said.strip().splitlines()
    assert json.loads(line)["message"] == "migration failed"
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({}, "setting DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///hunter2"}, "must begin with postgresql+asyncpg://"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("migrate",)])
async def test_a_missing_or_wrong_setting_is_one_line_that_names_it(
    env: dict[str, str], said: str, arguments: tuple[str, ...]
) -> None:
    status, text = await ended(await process(*arguments, **env))
    assert status == 1
    assert said in text
    assert len(text.strip().splitlines()) == 1
    assert "hunter2" not in text


async def test_another_word_than_migrate_is_answered_with_the_usage() -> None:
    status, text = await ended(await process("migrat"))
    assert (status, text.strip()) == (1, "usage: python -m todo_store [migrate | forget OWNER_KEY]")
