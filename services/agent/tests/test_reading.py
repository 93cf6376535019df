"""What a process remembers of an owner is never taken for what the database holds."""

import pytest
from boards import OWNER, snapshot_of
from fake_store import FakeStore

from agent import reading
from agent.cycle import Cycle
from agent.operations import Operations
from agent.reading import KEPT_S, Memory, Reader, Rows
from contracts.operations import CompleteItem, CreateItem, DeleteItem, Operation, UpdateItem
from contracts.todo import Author
from contracts.turns import OperationsCompleted, Outcome, RunOperations, Verdict
from verification.state import State, state_of

OTHER = "b" * 26
ADD = CreateItem(item_id="inew", list_id="l0", title="tea")


def store() -> FakeStore:
    return FakeStore(snapshot_of(Groceries=["milk", "eggs"], Travel=["passport"]))


def write(fake: FakeStore, *operations: Operation) -> None:
    fake.write(operations, f"c{fake.state.revision + 1}", "theirs", Author.BOARD)


class Door:
    """Operations of one process, which remembers from run to run."""

    def __init__(self, fake: FakeStore) -> None:
        self.cycle = Cycle(fake)
        self.operations = Operations(fake, self.cycle)
        self.runs = 0

    async def run(self, *operations: Operation) -> OperationsCompleted:
        self.runs += 1
        return await self.operations.run(
            RunOperations(owner=OWNER, operation_id=f"op{self.runs}", author=Author.BOARD, operations=operations)
        )


async def test_everything_is_read_once_and_then_what_was_written() -> None:
    fake = store()
    reader = Reader(fake)
    for operation in (ADD, DeleteItem(item_id="i0x0"), UpdateItem(item_id="inew", title="green tea")):
        assert (await reader.read(OWNER)).state == fake.state
        write(fake, operation)
    assert (await reader.read(OWNER)).state == fake.state
    assert fake.reads == ["whole", "delta", "delta", "delta"]


async def test_words_of_titles_follow_the_rows() -> None:
    fake = store()
    reader = Reader(fake)
    first = (await reader.read(OWNER)).rows.lexicon
    assert first.alike("Milk") == {"i0x0"}
    write(fake, UpdateItem(item_id="i0x0", title="oat milk"))
    write(fake, DeleteItem(item_id="i0x1"))
    write(fake, ADD)
    second = (await reader.read(OWNER)).rows.lexicon
    assert [second.alike(title) for title in ("milk", "oat milk", "eggs", "tea")] == [set(), {"i0x0"}, set(), {"inew"}]
    assert first.alike("Milk") == {"i0x0"}


@pytest.mark.parametrize("row_id", ["i0x1", "l1"])
async def test_a_row_removed_behind_the_journal_has_everything_read_again(row_id: str) -> None:
    fake = FakeStore(snapshot_of(Groceries=["milk", "eggs"], Empty=[]))
    reader = Reader(fake)
    await reader.read(OWNER)
    fake.tamper(row_id)
    assert (await reader.read(OWNER)).state == fake.state
    assert fake.reads == ["whole", "delta", "whole"]


async def test_an_entry_with_a_row_too_many_or_too_few_has_everything_read_again() -> None:
    fake = store()
    for rows in (
        {"poison": fake.state.items["i0x0"].model_copy(update={"id": "poison"})},
        {"i0x0": None},
    ):
        reader = Reader(fake)
        await reader.read(OWNER)
        kept = reader.memory.get(OWNER)
        assert kept is not None
        poisoned = Rows(fake.state.with_rows(fake.state.revision, rows))
        reader.memory.keep(OWNER, kept.mark, poisoned, kept.bytes)
        assert (await reader.read(OWNER)).state == fake.state


async def test_a_process_that_has_forgotten_reads_everything() -> None:
    now = 0.0
    fake = store()
    reader = Reader(fake, Memory(clock=lambda: now))
    await reader.read(OWNER)
    now = KEPT_S - 1
    await reader.read(OWNER)
    now += KEPT_S - 1
    await reader.read(OWNER)
    now += KEPT_S + 1
    assert (await reader.read(OWNER)).state == fake.state
    assert fake.reads == ["whole", "delta", "delta", "whole"]


async def test_memory_is_bounded_and_whoever_was_read_longest_ago_goes_first() -> None:
    fake = store()
    size = reading.ROW_BYTES * 5
    reader = Reader(fake, Memory(all_max_bytes=size * 5 // 2))
    for owner in (OWNER, OTHER, OWNER, "c" * 26):
        await reader.read(owner)
    assert [reader.memory.get(owner) is None for owner in (OWNER, OTHER, "c" * 26)] == [False, True, False]


async def test_what_a_delta_adds_counts_against_the_bound() -> None:
    fake = store()
    reader = Reader(fake, Memory(owner_max_bytes=reading.ROW_BYTES * 5 + 4_000))
    await reader.read(OWNER)
    write(fake, UpdateItem(item_id="i0x0", notes="x" * 2_000))
    await reader.read(OWNER)
    assert reader.memory.get(OWNER) is None
    write(fake, UpdateItem(item_id="i0x0", notes="none"))
    await reader.read(OWNER)
    assert reader.memory.get(OWNER) is not None
    assert fake.reads == ["whole", "delta", "whole"]


async def test_a_trusting_read_leaves_what_it_missed_for_the_next_one() -> None:
    fake = store()
    reader = Reader(fake)
    await reader.read(OWNER)
    fake.tamper("i0x0", title="tampered")
    assert (await reader.read(OWNER, trusting=True)).state.items["i0x0"].title == "milk"
    assert (await reader.read(OWNER)).state.items["i0x0"].title == "tampered"


async def test_a_warm_process_plans_on_a_row_that_was_changed_behind_the_journal() -> None:
    fake = store()
    door = Door(fake)
    await door.run(ADD)
    fake.tamper("i0x0", title="oat milk")
    completed = await door.run(CompleteItem(item_id="i0x0"))
    assert completed.outcome is Outcome.CONFIRMED
    assert completed.text == "Marked “oat milk” in “Groceries” as done."
    assert "whole" not in fake.reads[1:]


FAULTS = {
    "its own row, after the journal saw it": lambda fake: fake.tamper("i0x0", title="tampered"),
    "its own row, back to what it was": lambda fake: fake.tamper("i0x0", done=False),
    "another row": lambda fake: fake.tamper("i1x0", notes="tampered"),
    "another row, taken away": lambda fake: fake.tamper("i1x0"),
    "a list": lambda fake: fake.tamper("l1", name="tampered"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_warm_process_refutes_what_was_changed_behind_the_journal_between_its_reads(fault: str) -> None:
    """The version stays, the journal is silent, the revision is the same: PostgreSQL's own stamp tells it."""
    fake = store()
    door = Door(fake)
    await door.run(ADD)
    fake.after_apply = lambda: FAULTS[fault](fake)
    completed = await door.run(CompleteItem(item_id="i0x0"))
    assert (completed.outcome, completed.receipt.verdict) == (Outcome.REFUTED, Verdict.REFUTED)


async def test_a_warm_process_refutes_a_write_that_only_the_journal_shows() -> None:
    fake = store()
    door = Door(fake)
    await door.run(ADD)
    before = fake.state.items["i0x0"]

    def lost() -> None:
        fake.state = fake.state.with_rows(fake.state.revision, {"i0x0": before})

    fake.after_apply = lost
    assert (await door.run(CompleteItem(item_id="i0x0"))).outcome is Outcome.REFUTED


async def test_two_processes_with_memories_of_their_own_go_on_from_each_others_writes() -> None:
    fake = store()
    doors = [Door(fake), Door(fake)]
    doors[1].runs = 100
    for number in range(6):
        made = CreateItem(item_id=f"n{number}", list_id="l0", title=f"thing {number}")
        completed = await doors[number % 2].run(made)
        assert completed.outcome is Outcome.CONFIRMED
        assert completed.receipt.others.changes == ()
    assert fake.reads.count("whole") == 2


async def test_a_state_is_never_changed_by_a_later_read() -> None:
    fake = store()
    reader = Reader(fake)
    first = (await reader.read(OWNER)).state
    as_it_was = State(first.revision, dict(first.lists), dict(first.items), dict(first.order))
    write(fake, DeleteItem(item_id="i0x0"))
    await reader.read(OWNER)
    assert first == as_it_was == state_of(snapshot_of(Groceries=["milk", "eggs"], Travel=["passport"]))
