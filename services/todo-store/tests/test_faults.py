"""What a fault of the database means to whoever asked, and what it leaves behind."""

import asyncio
import time
from typing import TYPE_CHECKING

import asyncpg
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from sqlalchemy import Integer, Text, bindparam, func, literal_column, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bus.errors import Refusal
from contracts.message import ErrorCode
from contracts.operations import CreateItem, CreateList
from contracts.store import ApplyRequest, ApplyResult
from local_stack.ports import free_port
from todo_store import applying, sessions, statement_spans
from todo_store.handlers import Handlers
from todo_store.prepared import Query
from todo_store.repository import journal
from todo_store.sessions import Database, WriteSession
from todo_store.settings import Settings

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")
SECRET_TITLE = "a title that is nobody's business"


async def backend_of(session: WriteSession) -> int:
    row = await session.row(select(func.pg_backend_pid()))
    assert row is not None
    return int(row[0])


async def at_console(url: str, statement: str, **values: object) -> object:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            return await connection.scalar(text(statement), values)
    finally:
        await engine.dispose()


async def blocked(url: str) -> bool:
    """Whether all three of the test's writers wait for the owner."""
    return await at_console(url, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 3


async def test_a_database_that_is_away_is_unavailable_and_says_that_nothing_was_done(store: "Store") -> None:
    url = f"postgresql+asyncpg://me@127.0.0.1:{free_port()}/todo"
    async with sessions.database(Settings(database_url=SecretStr(url))) as database:
        there = type(store)(Handlers(database, lambda: None), store.owner, [])
        for call in (
            there.apply(GROCERIES),
            there.snapshot(),
            there.take_over("t"),
            there.cancel("t"),
            there.changes(0),
        ):
            with pytest.raises(Refusal) as caught:
                await call
            assert caught.value.problem.code is ErrorCode.UNAVAILABLE
            assert "nothing was done" in caught.value.problem.detail


async def test_a_connection_lost_before_the_commit_leaves_nothing(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = applying.apply

    async def interrupted(session: WriteSession, request: ApplyRequest, *, traceparent: str | None) -> ApplyResult:
        await inner(session, request, traceparent=traceparent)
        await at_console(database_url, "SELECT pg_terminate_backend(:pid)", pid=await backend_of(session))
        return await inner(session, request, traceparent=traceparent)

    monkeypatch.setattr(applying, "apply", interrupted)
    with pytest.raises(Refusal) as caught:
        await store.apply(GROCERIES)
    monkeypatch.undo()
    assert caught.value.problem.code is ErrorCode.UNAVAILABLE
    assert (await store.snapshot()).revision == 0
    assert store.commits == []


async def test_a_connection_lost_in_the_commit_is_not_called_undone(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = applying.apply

    async def interrupted(session: WriteSession, request: ApplyRequest, *, traceparent: str | None) -> ApplyResult:
        result = await inner(session, request, traceparent=traceparent)
        await at_console(database_url, "SELECT pg_terminate_backend(:pid)", pid=await backend_of(session))
        return result

    monkeypatch.setattr(applying, "apply", interrupted)
    with pytest.raises(Refusal) as caught:
        await store.apply(GROCERIES)
    monkeypatch.undo()
    assert caught.value.problem.code is ErrorCode.TIMEOUT
    assert "not known" in caught.value.problem.detail
    await store.do(GROCERIES)


@pytest.mark.parametrize("idle_s", [sessions.IDLE_S, -1.0])
async def test_connections_that_the_server_closed_are_replaced_before_they_are_used(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch, idle_s: float
) -> None:
    monkeypatch.setattr(sessions, "IDLE_S", idle_s)
    async with sessions.database(Settings(database_url=SecretStr(database_url))) as database:
        there = type(store)(Handlers(database, lambda: None), store.owner, [])
        await asyncio.gather(there.do(GROCERIES), *(there.snapshot() for _ in range(7)))
        for _ in range(2):
            await at_console(
                database_url,
                "SELECT count(pg_terminate_backend(pid, 1000)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            await asyncio.gather(*(there.snapshot() for _ in range(8)))


async def test_an_owner_that_another_writer_holds_too_long_is_overloaded(
    store: "Store", database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.do(GROCERIES)
    monkeypatch.setitem(sessions.SERVER_SETTINGS, "statement_timeout", "100")
    async with (
        sessions.database(Settings(database_url=SecretStr(database_url))) as impatient,
        database.writing() as holder,
    ):
        await journal.lock_owner(holder, store.owner)
        there = type(store)(Handlers(impatient, lambda: None), store.owner, [])
        with pytest.raises(Refusal) as caught:
            await there.apply(CreateItem(item_id="i1", list_id="l1", title="x"))
        # Other owners are not held up, and readers never are.
        await there.other().do(GROCERIES)
        assert (await there.snapshot()).revision == 1
    assert caught.value.problem.code is ErrorCode.OVERLOADED
    assert (await store.snapshot()).items == ()


async def test_a_request_that_is_cancelled_leaves_nothing_and_gives_its_connection_back(
    store: "Store", database: Database, database_url: str
) -> None:
    await store.do(GROCERIES)
    async with database.writing() as holder:
        await journal.lock_owner(holder, store.owner)
        waiting = [
            asyncio.create_task(store.apply(CreateItem(item_id=f"i{n}", list_id="l1", title="x"))) for n in range(3)
        ]
        async with asyncio.timeout(5):
            while not await blocked(database_url):
                continue
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ended)
    assert (await store.snapshot()).revision == 1
    await asyncio.gather(*(store.other().do(GROCERIES) for _ in range(10)))


async def test_a_connection_whose_rollback_was_cut_short_holds_nothing_and_is_not_used_again(
    store: "Store", database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_short(*_: object) -> None:
        raise asyncio.CancelledError

    await store.do(GROCERIES)
    async with sessions.database(Settings(database_url=SecretStr(database_url), pool_size=1)) as database:
        monkeypatch.setattr(sessions, "_roll_back", cut_short)
        backends: list[int] = []

        async def fail_holding_the_owner() -> None:
            async with database.writing() as session:
                await journal.lock_owner(session, store.owner)
                backends.append(await backend_of(session))
                raise ValueError

        with pytest.raises(asyncio.CancelledError):
            await fail_holding_the_owner()
        monkeypatch.undo()
        await store.do(CreateItem(item_id="i1", list_id="l1", title="x"))
        async with database.writing() as session:
            assert await backend_of(session) not in backends


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT owners.revision \nFROM owners \nWHERE x", ("SELECT", "owners")),
        ("INSERT INTO changes (a) VALUES ($1)", ("INSERT", "changes")),
        ("UPDATE todo_items SET title=$1", ("UPDATE", "todo_items")),
        ("SELECT set_config('todo.owner', $1, true)", ("SELECT", None)),
        ("SELECT a FROM somebody_elses", ("SELECT", None)),
        (
            'WITH x AS \n(UPDATE owners SET a=$1 COLLATE "C")\n INSERT INTO changes (a) VALUES ($2)',
            ("INSERT", "changes"),
        ),
        ("BEGIN", ("other", None)),
    ],
)
def test_a_statement_is_named_by_its_verb_and_our_table(statement: str, name: tuple[str, str | None]) -> None:
    assert statement_spans.name_of(statement) == name


async def until_spans_are_made(exporter: InMemorySpanExporter, but: int) -> None:
    async with asyncio.timeout(10):
        while len(exporter.get_finished_spans()) <= but:  # noqa: ASYNC110 - an exporter has no event
            await asyncio.sleep(0.01)


async def test_a_statement_that_fails_is_a_span_that_says_so_and_when(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(statement_spans, "_TRACER", provider.get_tracer("todo_store"))
    statement = select(literal_column("1 / 0", Integer)).where(bindparam("words", type_=Text) != "")
    kinds = {"AsyncAdapt_asyncpg_dbapi.Error": statement, "DivisionByZeroError": Query(statement)}
    for kind, asked in kinds.items():
        with provider.get_tracer("test").start_as_current_span("request") as request:
            before = time.time_ns()
            with pytest.raises((DBAPIError, asyncpg.PostgresError)):
                async with database.writing() as session:
                    await session.row(asked, {"words": SECRET_TITLE})
            after = time.time_ns()
        statement_spans.write_down()
        [span] = [one for one in exporter.get_finished_spans() if one.name == "SELECT"]
        assert (span.attributes or {})["error.type"] == kind
        assert span.parent is not None
        assert span.parent.span_id == request.get_span_context().span_id
        assert before <= (span.start_time or 0) < (span.end_time or 0) <= after
        exporter.clear()


async def test_statements_of_a_trace_have_spans_that_hold_no_words_of_the_user(
    store: "Store", monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(statement_spans, "_TRACER", provider.get_tracer("todo_store"))
    await store.do(GROCERIES)
    assert exporter.get_finished_spans() == ()
    with provider.get_tracer("test").start_as_current_span("request") as request:
        await store.do(CreateItem(item_id="i1", list_id="l1", title=SECRET_TITLE))
        assert exporter.get_finished_spans() == ()  # nobody has waited for them
    await until_spans_are_made(exporter, but=1)
    spans = [span for span in exporter.get_finished_spans() if span.name != "request"]
    assert {"SELECT owners", "INSERT todo_items", "INSERT changes"} <= {span.name for span in spans}
    assert all(span.parent is not None and span.parent.span_id == request.get_span_context().span_id for span in spans)
    assert SECRET_TITLE not in "".join(span.to_json() for span in spans)
    assert store.owner not in "".join(span.to_json() for span in spans)
    assert trace.get_current_span() is trace.INVALID_SPAN


async def test_a_fault_s_text_holds_none_of_the_statement_s_parameters(database: Database) -> None:
    statement = select(literal_column("1 / 0", Integer)).where(bindparam("words", type_=Text) != "")
    for asked, kind in ((statement, DBAPIError), (Query(statement), asyncpg.PostgresError)):
        with pytest.raises(kind, match="division by zero") as caught:
            async with database.writing() as session:
                await session.row(asked, {"words": SECRET_TITLE})
        assert SECRET_TITLE not in str(caught.value)
