"""The store on PostgreSQL and the pure model of `verification`, driven side by side by two writers.

Whatever the writers do, and in whatever order: both hold the same rows in the same order, refuse the same things, and
the journal tells exactly what changed. A delta laid over any older state comes to the newest rows.
"""

import asyncio
from collections.abc import Coroutine
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from contracts.operations import DeleteList, Operation, UndoChange
from contracts.store import ApplyResult, ApplyStatus, Snapshot
from contracts.todo import Diff, JournalEntry
from contracts.turns import Verdict
from verification.diff import diff
from verification.errors import ModelError
from verification.expect import expect, versions_relied_on
from verification.judge import judge
from verification.model import apply
from verification.observe import observe
from verification.overlay import overlaid
from verification.state import State, state_of

from .scripts import Intent, intents, script

if TYPE_CHECKING:
    from conftest import Store

BOUND_S = 20.0
WRITERS = st.sampled_from(("a", "b"))
ResultT = TypeVar("ResultT")


class Planned(NamedTuple):
    """What a writer decided on the rows that it read, which may be old by the time it writes.

    `expected` is empty where the model refuses, or foresees no difference. Such a plan is sent here all the same.
    """

    before: Snapshot
    operations: list[Operation]
    relies_on: dict[str, int]
    expected: Diff


class BesideTheModel(RuleBasedStateMachine):
    """Each step is one writer's read or write; the rows after each revision are kept."""

    new_store: ClassVar[Any]  # Any: a fixture's factory, which class attributes would bind
    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = type(self).new_store()
        self.numbers = count()
        self.plans: dict[str, Planned] = {}
        first = self._snapshot()
        self.states: list[State] = [state_of(first)]
        self.read: list[tuple[State, str | None]] = [(self.states[0], first.mark)]
        self.journal: list[JournalEntry] = []

    def _run(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(BOUND_S)

    def _snapshot(self, journal_since: int | None = None, since: str | None = None) -> Snapshot:
        return self._run(self.store.marked(journal_since, since))

    @property
    def _history(self) -> dict[str, JournalEntry]:
        return {entry.change_id: entry for entry in self.journal}

    @initialize(drawn=intents)
    def begin(self, drawn: list[Intent]) -> None:
        setup = [Intent(0, 0, 0, 1), Intent(3, 0, 0, 0), Intent(3, 0, 1, 1), Intent(0, 0, 0, 2), *drawn]
        self._plan("a", script(self.states[-1], self._prefix(), setup))
        self.write("a")

    @rule(writer=WRITERS, drawn=intents)
    def plan(self, writer: str, drawn: list[Intent]) -> None:
        self._plan(writer, script(self.states[-1], self._prefix(), drawn))

    @rule(writer=WRITERS, back=st.integers(0, 5))
    def plan_an_undo(self, writer: str, back: int) -> None:
        if self.journal:
            self._plan(writer, [UndoChange(change_id=self.journal[-1 - back % len(self.journal)].change_id)])

    @precondition(lambda self: self.plans)
    @rule(writer=WRITERS)
    def write(self, writer: str) -> None:
        planned = self.plans.pop(writer, None)
        if planned is not None:
            self._written([planned], [self._run(self._apply(planned))])

    @precondition(lambda self: len(self.plans) == 2)
    @rule()
    def write_both_at_once(self) -> None:
        planned = list(self.plans.values())
        self.plans.clear()

        async def both() -> list[ApplyResult]:
            return list(await asyncio.gather(*(self._apply(one) for one in planned)))

        self._written(planned, self._run(both()))

    @rule()
    def take_the_newest_change_back(self) -> None:
        """Undone at once, it leaves the rows from before it."""
        if not self.journal:
            return
        former = self.states[-2]
        self._plan("a", [UndoChange(change_id=self.journal[-1].change_id)])
        planned = self.plans.pop("a")
        result = self._run(self._apply(planned))
        assert result.status is ApplyStatus.APPLIED
        self._written([planned], [result])
        assert self.states[-1].order == former.order
        assert list(self.states[-1].lists) == list(former.lists)
        assert diff(former, self.states[-1]).changes == ()

    @invariant()
    def the_journal_is_gapless_and_tells_what_changed(self) -> None:
        snapshot = self._snapshot(0)
        assert [entry.revision for entry in snapshot.journal] == list(range(1, snapshot.revision + 1))
        assert list(snapshot.journal) == self.journal
        assert state_of(snapshot) == self.states[-1]

    @rule(back=st.integers(0, 30))
    def catch_up_from_an_older_state(self, back: int) -> None:
        state, mark = self.read[-1 - back % len(self.read)]
        delta = self._snapshot(since=mark)
        assert delta.delta is not None
        newest = overlaid(state, delta)
        assert newest == self.states[-1]
        assert list(newest.lists) == list(self.states[-1].lists)
        # What it was laid over was once a delta itself, and so on.
        self.read.append((newest, delta.mark))

    def _prefix(self) -> str:
        return f"{next(self.numbers)}x"

    def _plan(self, writer: str, operations: list[Operation]) -> None:
        before = self._snapshot()
        self.read.append((state_of(before), before.mark))
        relies_on: dict[str, int] = {}
        expected = Diff()
        try:
            relies_on = versions_relied_on(before, operations, self._history)
            expected = expect(before, operations, self._history)
        except ModelError:
            event("cannot be planned")
        if operations:
            self.plans[writer] = Planned(before, operations, relies_on, expected)

    async def _apply(self, planned: Planned) -> ApplyResult:
        return await self.store.apply(*planned.operations, relies_on=planned.relies_on)

    def _written(self, planned: list[Planned], results: list[ApplyResult]) -> None:
        pairs = list(zip(planned, results, strict=True))
        applied = [pair for pair in pairs if pair[1].status is ApplyStatus.APPLIED]
        for one, result in sorted(applied, key=lambda pair: pair[1].revision_after or 0):
            self._follow(one, result)
        for one, result in pairs:
            if result.status is not ApplyStatus.APPLIED:
                # The model says why: on one of the states that the store can have seen.
                event(f"{result.status}")
                seen = self.states[-1 - len(applied) :]
                assert any(self._refuses(state, one) for state in seen), (one, result)
        for one, result in applied:
            if one.expected.changes:
                self._judge(one, result)

    def _follow(self, planned: Planned, result: ApplyResult) -> None:
        """Do to the model what the store did, and take over its rows."""
        event("undone" if isinstance(planned.operations[0], UndoChange) else "applied")
        before = self.states[-1]
        assert result.revision_before == before.revision
        foreseen = apply(before, planned.operations, self._history)
        newest = self._snapshot(before.revision)
        entry = newest.journal[0]
        assert (entry.revision, entry.change_id) == (before.revision + 1, result.change_id)
        rows = before.with_rows(entry.revision, {image.row_id: image.after for image in entry.images})
        assert {image.row_id: image.before for image in entry.images} == {
            image.row_id: before.row(image.row_id) for image in entry.images
        }
        assert all(image.before != image.after for image in entry.images)
        assert rows.order == foreseen.order
        assert diff(rows, foreseen).changes == ()
        self.journal.append(entry)
        self.states.append(rows)

    def _refuses(self, state: State, planned: Planned) -> bool:
        versions = {row_id: row.version for row_id in planned.relies_on if (row := state.row(row_id)) is not None}
        if versions != planned.relies_on or self._holds_what_nobody_saw(state, planned):
            return True
        try:
            foreseen = apply(state, planned.operations, self._history)
        except ModelError:
            return True
        # What is taken back already is no error to the model: it would not be sent.
        return isinstance(planned.operations[0], UndoChange) and foreseen is state

    def _holds_what_nobody_saw(self, state: State, planned: Planned) -> bool:
        deleted = [operation.list_id for operation in planned.operations if isinstance(operation, DeleteList)]
        emptied = (set(state.order.get(list_id, ())) for list_id in deleted if list_id in planned.relies_on)
        return any(ids - planned.relies_on.keys() for ids in emptied)

    def _judge(self, planned: Planned, result: ApplyResult) -> None:
        """A writer that planned on older rows is confirmed all the same."""
        confirm = self._snapshot(planned.before.revision)
        seen = observe(planned.before, confirm, confirm.journal, result.operation_id, planned.expected)
        assert judge(planned.expected, seen.ours).mismatches == ()
        assert judge(planned.expected, seen.ours).verdict is Verdict.CONFIRMED


async def drive(store: "Store", *, examples: int, steps: int) -> None:
    class Machine(BesideTheModel):
        new_store = staticmethod(store.other)
        loop = asyncio.get_running_loop()

    bounds = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    # Hypothesis is not async: it runs in a thread and sends its steps here.
    await asyncio.to_thread(run_state_machine_as_test, Machine, settings=bounds)


async def test_store_and_model_agree_whatever_two_writers_do(store: "Store") -> None:
    await drive(store, examples=20, steps=20)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_store_and_model_agree_over_many_more_histories(store: "Store") -> None:
    await drive(store, examples=600, steps=50)
