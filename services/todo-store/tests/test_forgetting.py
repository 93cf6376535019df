"""An owner is erased whole and alone, by one path only; the sentences of turns age out, what became of them stays."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Integer, column, delete, func, select, text
from sqlalchemy.exc import DBAPIError

from contracts.operations import CompleteItem, CreateItem, CreateList, DeleteItem
from contracts.store import ApplyStatus
from contracts.tokens import uuid7
from todo_store.repository import forgetting
from todo_store.repository.forgetting import Forgotten
from todo_store.schema import AliasRow, ChangeRow, ImageRow, ItemRow, ListRow, OwnerRow, PendingRow, TurnRow
from todo_store.sessions import Database

if TYPE_CHECKING:
    from conftest import Store

BOUND_S = 20.0
TABLES = (OwnerRow, ListRow, ItemRow, ChangeRow, ImageRow, TurnRow, AliasRow, PendingRow)
MADE = (
    CreateList(list_id="l1", name="Groceries"),
    CreateItem(item_id="i1", list_id="l1", title="milk"),
    CreateItem(item_id="i2", list_id="l1", title="eggs"),
)


WAITING = text("SELECT count(*) AS waiting FROM pg_locks WHERE NOT granted").columns(column("waiting", Integer))


async def fill(store: "Store") -> None:
    await store.do(*MADE)
    await store.do(CompleteItem(item_id="i1"), DeleteItem(item_id="i2"))


async def held(database: Database, owner: str) -> list[int]:
    """How many rows each table has of an owner."""
    async with database.reading() as session:
        counts = [select(func.count()).select_from(table).where(table.owner_key == owner) for table in TABLES]
        found = [await session.row(count) for count in counts]
    return [0 if row is None else row[0] for row in found]


async def command(database_url: str, *arguments: str) -> tuple[int | None, str, str]:
    env = {"PATH": os.environ["PATH"], "DATABASE_URL": database_url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "todo_store", *arguments, env=env, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(BOUND_S):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_forgetting_erases_one_owner_whole_and_leaves_the_others(
    database: Database, database_url: str, store: "Store"
) -> None:
    other = store.other()
    await fill(store)
    await fill(other)
    before = await held(database, other.owner)
    assert before == [1, 1, 2, 2, 5, 2, 0, 0]

    status, out, err = await command(database_url, "forget", store.owner)

    assert status == 0, err
    assert json.loads(out) == {
        "lists": 1,
        "items": 2,
        "changes": 2,
        "images": 5,
        "turns": 2,
        "aliases": 0,
        "questions": 0,
    }
    assert await held(database, store.owner) == [0] * len(TABLES)
    assert await held(database, other.owner) == before
    await store.do(*MADE)
    assert (await store.snapshot()).revision == 1


async def test_forgetting_somebody_never_seen_counts_nothing_and_a_wrong_key_is_named(
    database_url: str, store: "Store"
) -> None:
    status, out, _ = await command(database_url, "forget", store.owner)
    assert (status, set(json.loads(out).values())) == (0, {0})
    status, _, err = await command(database_url, "forget", "me")
    assert (status, "26 characters" in err) == (1, True)


async def test_rows_are_removed_under_the_name_of_their_own_owner_only(database: Database, store: "Store") -> None:
    other = store.other()
    await fill(store)
    await fill(other)

    async def remove(allowed: str) -> None:
        async with database.writing() as session:
            await session.row(select(func.set_config("todo.forgotten", allowed, True)))
            await session.write(delete(ItemRow).where(ItemRow.owner_key == store.owner))

    for allowed in ("", other.owner):
        with pytest.raises(DBAPIError, match="are not removed"):
            await remove(allowed)
    assert (await held(database, store.owner))[2] == 2


async def test_forgetting_that_fails_halfway_erases_nothing(database: Database, store: "Store") -> None:
    await fill(store)
    before = await held(database, store.owner)

    async def fail() -> None:
        async with database.writing() as session:
            assert await forgetting.forget(session, store.owner) == Forgotten(1, 2, 2, 5, 2)
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await fail()
    assert await held(database, store.owner) == before


async def test_a_writer_that_waits_while_its_owner_is_forgotten_begins_anew(database: Database, store: "Store") -> None:
    await fill(store)
    async with asyncio.timeout(BOUND_S):
        async with database.writing() as session:
            await forgetting.forget(session, store.owner)
            waiting = asyncio.create_task(store.apply(*MADE))
            # It is held up by our lock, not merely late.
            while not (await session.row(WAITING) or (0,))[0]:
                pass
        result = await waiting
    assert (result.status, result.revision_after) == (ApplyStatus.APPLIED, 1)


async def understood(store: "Store", operation_id: str) -> tuple[str, ...]:
    repeat = await store.apply(*MADE, operation_id=operation_id)
    assert (repeat.status, repeat.repeated) == (ApplyStatus.APPLIED, True)
    assert repeat.plan is not None
    return repeat.plan.understood


async def test_sentences_age_out_in_bounded_batches_and_what_became_of_the_turn_stays(
    database: Database, store: "Store"
) -> None:
    turns = [(store.other(), uuid7()) for _ in range(3)]
    for owner, turn in turns:
        await owner.apply(*MADE, operation_id=turn)
    async with database.writing() as session:
        assert await forgetting.age_sentences(session, timedelta(days=1)) == 0
    assert await understood(*turns[0]) == ("as asked",)
    async with database.writing() as session:
        while await forgetting.age_sentences(session, timedelta(0)):
            pass
    assert [await understood(*turn) for turn in turns] == [(), (), ()]
