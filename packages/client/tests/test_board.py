"""A board over the real wire, from a server that loses, repeats and passes over changes."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import pytest

from client import AgentClient, Lists, Missed
from contracts.channel import PageMessage, Ping, Pong, StateChanged, StateGet, StateList, StateStale
from contracts.message import Message
from contracts.todo import Author, Image, JournalEntry, TodoItem, TodoList

WAIT_S = 10
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TRAVEL = TodoList(id="l1", name="Travel", position="b", version=1)


def item(name: str, *, position: str = "a") -> TodoItem:
    return TodoItem(id=name, list_id="l1", title=name, position=position, version=1)


def entry(revision: int, *images: Image, truncated: bool = False) -> JournalEntry:
    return JournalEntry(
        revision=revision,
        change_id=f"c{revision}",
        operation_id="o1",
        author=Author.MCP,
        at=NOW,
        images=images,
        truncated=truncated,
    )


def adds(revision: int, name: str) -> StateChanged:
    return StateChanged(entry=entry(revision, Image(row_id=name, after=item(name))))


def titles(shown: Lists) -> list[str]:
    return [of_list.title for _, items in shown.lists for of_list in items]


class Store:
    """Answers state.get with what it holds now."""

    def __init__(self) -> None:
        self.revision = 1
        self.items: tuple[TodoItem, ...] = ()
        self.asked = 0

    def __call__(self, message: PageMessage) -> list[Message]:
        if not isinstance(message, StateGet):
            return []
        self.asked += 1
        return [
            StateList(ref=message.id, revision=self.revision, index=0, last=True, list=TRAVEL, items=self.items),
        ]


@pytest.fixture
def store(server: Any) -> Store:
    made = Store()
    server.respond = made
    return made


async def test_changes_that_follow_are_shown_without_asking_and_repeats_are_not(
    server: Any, client: AgentClient, store: Store
) -> None:
    async with asyncio.timeout(WAIT_S), aclosing(client.board()) as board:
        assert titles(await anext(board)) == []
        server.say(adds(1, "older"), adds(2, "socks"), adds(2, "socks"), adds(3, "hat"))
        assert titles(await anext(board)) == ["socks"]
        assert titles(await anext(board)) == ["hat", "socks"]
    assert store.asked == 1


async def test_behind_a_gap_the_lists_are_read_again(server: Any, client: AgentClient, store: Store) -> None:
    async with asyncio.timeout(WAIT_S), aclosing(client.board()) as board:
        await anext(board)
        store.revision, store.items = 4, (item("kept"),)
        server.say(adds(4, "late"))
        shown = await anext(board)
    assert (shown.revision, titles(shown), store.asked) == (4, ["kept"], 2)


@pytest.mark.parametrize(
    "said", [StateStale(revision=9), StateChanged(entry=entry(2, truncated=True))], ids=["stale", "truncated"]
)
async def test_what_was_not_told_is_read(server: Any, client: AgentClient, store: Store, said: Message) -> None:
    async with asyncio.timeout(WAIT_S), aclosing(client.board()) as board:
        await anext(board)
        store.revision, store.items = 9, (item("read"),)
        server.say(said)
        shown = await anext(board)
        assert (shown.revision, titles(shown)) == (9, ["read"])
        server.say(adds(10, "next"))
        assert titles(await anext(board)) == ["next", "read"]


async def test_a_reader_of_changes_is_told_that_some_are_missing_and_may_begin_anew(
    server: Any, client: AgentClient, store: Store
) -> None:
    async with asyncio.timeout(WAIT_S):
        await client.lists()
        for missing in ((adds(1, "a"), adds(1, "a"), adds(3, "c")), (adds(3, "c"), StateStale(revision=8))):
            changes = client.changes()
            server.say(*missing)
            assert (await anext(changes)).revision == missing[0].entry.revision
            with pytest.raises(Missed, match="read the lists again"):
                await anext(changes)
        changes = client.changes()
        server.say(adds(9, "e"))
        assert (await anext(changes)).revision == 9


def test_rows_come_change_and_go_in_the_order_of_their_positions() -> None:
    home = TodoList(id="l2", name="Home", position="a", version=1)
    shown: Lists | None = Lists(revision=1, lists=((TRAVEL, (item("x", position="m"),)),))
    for images in (
        (Image(row_id="l2", after=home),),
        (Image(row_id="y", after=item("y", position="c")),),
        (Image(row_id="x", before=item("x"), after=item("x", position="a").model_copy(update={"list_id": "l2"})),),
        (Image(row_id="y", before=item("y")),),
    ):
        assert shown is not None
        shown = shown.after(entry(shown.revision + 1, *images))
    assert shown is not None
    assert [(row.name, [one.id for one in items]) for row, items in shown.lists] == [("Home", ["x"]), ("Travel", [])]
    gone = shown.after(entry(6, Image(row_id="l2", before=home)))
    assert gone is not None
    assert [row.name for row, _ in gone.lists] == ["Travel"]


def test_pings_are_no_part_of_it() -> None:
    assert Store()(Ping(id="p")) == Store()(Pong(ref="p")) == []
