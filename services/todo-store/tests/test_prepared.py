"""Statements that go to the driver as they are, past SQLAlchemy."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from todo_store.prepared import Command, Query
from todo_store.schema import OwnerRow
from todo_store.sessions import Database

if TYPE_CHECKING:
    from conftest import Store

REVISIONS = Query(select(OwnerRow.revision, OwnerRow.owner_key).where(OwnerRow.owner_key == bindparam("owner")))
ADD = Command(insert(OwnerRow), columns=["owner_key", "revision"])


async def test_rows_come_with_their_names_and_json_as_what_it_says(store: "Store", database: Database) -> None:
    as_json = Query(select(func.jsonb_build_object("a", bindparam("value", type_=JSONB), type_=JSONB).label("found")))
    async with database.writing() as session:
        await session.write(ADD, {"owner_key": store.owner, "revision": 7})
        row = await session.row(REVISIONS, {"owner": store.owner})
        assert row is not None
        assert (row.revision, row[1], row._asdict()) == (7, store.owner, {"revision": 7, "owner_key": store.owner})
        found = await session.row(as_json, {"value": {"b": [1, None]}})
        assert found is not None
        assert found.found == {"a": {"b": [1, None]}}


async def test_several_rows_are_written_at_once(store: "Store", database: Database) -> None:
    owners = [store.owner, store.other().owner]
    async with database.writing() as session:
        await session.write(ADD, [{"owner_key": owner, "revision": 1} for owner in owners])
        assert [await session.row(REVISIONS, {"owner": owner}) for owner in owners] == [(1, owner) for owner in owners]


@pytest.mark.parametrize("parameters", [None, {}, {"owners": "x"}])
async def test_a_parameter_that_is_missing_is_an_error_and_no_null(
    database: Database, parameters: dict[str, object] | None
) -> None:
    async with database.reading() as session:
        with pytest.raises(KeyError, match="owner"):
            await session.row(REVISIONS, parameters)


async def test_two_rows_where_there_may_be_one_are_an_error(database: Database) -> None:
    two = Query(select(func.generate_series(1, 2)))
    async with database.reading() as session:
        with pytest.raises(ValueError, match="2 rows"):
            await session.row(two)


def test_no_value_stands_in_the_sql() -> None:
    assert "secret" not in Query(select(OwnerRow.revision).where(OwnerRow.owner_key == "secret")).sql
