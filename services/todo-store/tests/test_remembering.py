"""A question is one turn's to answer, for ten minutes; an alias stays until it is learned anew or makes room."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from bus.errors import Refusal
from contracts.dialogue import ALIASES_PER_OWNER_MAX, Alias, Choice, Question, RememberRequest
from contracts.message import ErrorCode
from contracts.operations import CreateItem, CreateList
from contracts.planning import ModelPlan
from contracts.store import Snapshot, SnapshotRequest
from contracts.text import normalise
from todo_store.repository import dialogue, forgetting
from todo_store.repository.forgetting import Forgotten
from todo_store.schema import AliasRow, PendingRow
from todo_store.sessions import Database

if TYPE_CHECKING:
    from conftest import Store


def question(asked_by: str, request: str = "add milk") -> Question:
    return Question(
        asked_by=asked_by,
        accepted_at=datetime(2026, 11, 22, 12, tzinfo=UTC),
        request=request,
        today=date(2026, 11, 22),
        reason="which_list",
        plan=ModelPlan.model_validate({"steps": [{"op": "add_item", "text": "milk"}]}),
        choices=(Choice(label="Groceries", reply="add milk to Groceries", settles="l1"),),
    )


async def remember(
    store: "Store",
    turn: str,
    session: str = "s",
    *,
    answers: str | None = None,
    asks: Question | None = None,
    alias: Alias | None = None,
) -> bool:
    request = RememberRequest(
        owner=store.owner, session=session, turn_id=turn, answers=answers, question=asks, alias=alias
    )
    return (await store.handlers.remember(request)).taken


async def recalled(store: "Store", session: str | None = "s") -> Snapshot:
    request = SnapshotRequest(owner=store.owner, dialogue=session)
    (part, *_) = [part async for part in store.handlers.snapshot(request)]
    return Snapshot(owner=store.owner, revision=part.revision, aliases=part.aliases, question=part.question)


async def test_a_question_is_given_to_one_turn_however_often_that_turn_asks(store: "Store") -> None:
    await remember(store, "t1", asks=question("t1"))
    assert (await recalled(store)).question == question("t1")
    assert await remember(store, "t2", answers="t1")
    assert not await remember(store, "t3", answers="t1")
    assert await remember(store, "t2", answers="t1")


async def test_a_question_belongs_to_its_session_and_its_owner(store: "Store") -> None:
    await remember(store, "t1", asks=question("t1"))
    assert (await recalled(store, "other")).question is None
    assert not await remember(store, "t2", "other", answers="t1")
    other = store.other()
    assert (await recalled(other)).question is None
    assert not await remember(other, "t2", answers="t1")


async def test_a_new_question_takes_the_place_of_the_one_before(store: "Store") -> None:
    await remember(store, "t1", asks=question("t1"))
    assert await remember(store, "t2", answers="t1", asks=question("t2", "add tea"))
    found = (await recalled(store)).question
    assert found is not None
    assert found.asked_by == "t2"
    assert not await remember(store, "t3", answers="t1")
    assert await remember(store, "t3", answers="t2")


async def test_an_expired_question_is_nobodys_and_is_removed(store: "Store", database: Database) -> None:
    await remember(store, "t1", asks=question("t1"))
    await remember(store, "t9", "later", asks=question("t9"))
    async with database.writing() as session:
        await session.write(
            update(PendingRow)
            .where(PendingRow.owner_key == store.owner, PendingRow.session_id == "s")
            .values(expires_at=func.now() - timedelta(seconds=1))
        )
    assert (await recalled(store)).question is None
    assert not await remember(store, "t2", answers="t1")
    async with database.writing() as session:
        assert await dialogue.drop_expired(session) >= 1
    async with database.reading() as session:
        left = await session.rows(select(PendingRow.session_id).where(PendingRow.owner_key == store.owner))
    assert [row.session_id for row in left] == ["later"]


async def test_ten_minutes_are_what_a_question_lives(store: "Store", database: Database) -> None:
    await remember(store, "t1", asks=question("t1"))
    async with database.reading() as session:
        row = await session.row(select(PendingRow.expires_at - func.now()).where(PendingRow.owner_key == store.owner))
    assert row is not None
    assert timedelta(minutes=9) < row[0] <= timedelta(minutes=10)


async def test_an_alias_is_learned_and_learned_anew(store: "Store") -> None:
    await remember(store, "t1", alias=Alias(phrase="shopping list", list_id="l1"))
    await remember(store, "t2", alias=Alias(phrase="shopping list", list_id="l2"))
    assert (await recalled(store)).aliases == (Alias(phrase="shopping list", list_id="l2"),)
    assert (await recalled(store, None)).aliases == ()


async def test_the_alias_learned_least_recently_makes_room(store: "Store") -> None:
    for number in range(ALIASES_PER_OWNER_MAX + 2):
        await remember(store, f"t{number}", alias=Alias(phrase=f"{number:03}", list_id="l1"))
    kept = [alias.phrase for alias in (await recalled(store)).aliases]
    assert len(kept) == ALIASES_PER_OWNER_MAX
    assert kept[0] == "002"


@pytest.mark.parametrize("closing", [True, False])
async def test_a_question_of_a_turn_that_has_ended_meanwhile_does_not_replace_the_open_one(
    store: "Store", closing: bool
) -> None:
    await remember(store, "t2", asks=question("t2"))
    await store.cancel("t1", closing=closing)
    await remember(store, "t1", asks=question("t1", "delete everything"))
    kept = (await recalled(store)).question
    assert kept is not None
    assert kept.asked_by == "t2"


async def test_a_question_that_is_too_large_is_refused_by_name(store: "Store") -> None:
    with pytest.raises(Refusal) as caught:
        await remember(store, "t1", asks=question("t1", "x" * 70_000))
    assert (caught.value.problem.code, caught.value.problem.field) == (ErrorCode.TOO_LARGE, "question")


async def test_they_come_with_the_first_part_of_a_snapshot_alone(store: "Store") -> None:
    await store.do(CreateList(list_id="l1", name="Big"))
    await store.do(*(CreateItem(item_id=f"i{n}", list_id="l1", title=normalise(f"thing {n}")) for n in range(500)))
    await remember(store, "t1", asks=question("t1"), alias=Alias(phrase="shopping list", list_id="l1"))
    request = SnapshotRequest(owner=store.owner, dialogue="s")
    parts = [part async for part in store.handlers.snapshot(request)]
    assert len(parts) == 2
    assert [(len(part.aliases), part.question is not None) for part in parts] == [(1, True), (0, False)]


async def test_forgetting_an_owner_forgets_the_dialogue(store: "Store", database: Database) -> None:
    await remember(store, "t1", asks=question("t1"), alias=Alias(phrase="shopping list", list_id="l1"))
    async with database.writing() as session:
        assert await forgetting.forget(session, store.owner) == Forgotten(aliases=1, questions=1)
    async with database.reading() as session:
        assert await session.rows(select(AliasRow.phrase).where(AliasRow.owner_key == store.owner)) == []
