"""Guards taken away, to see that the matrix can fail. Only here: the product has no such switch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from agent.asking import Reply
from agent.store import BusStore, Store
from agent.targets import Targets
from bench.faults.world import World
from contracts.planning import ModelPlan, Select
from contracts.store import ApplyRequest, ApplyResult, TakeOverResult
from contracts.todo import Diff, TodoItem, TodoList
from contracts.tokens import uuid7
from contracts.turns import Verdict
from verification.judge import Judgement

TURNS_RED: Final = {
    "confirm": ("F5", "F6"),
    "match": ("F2", "F9", "F10", "F11"),
    "fence": ("F3", "F13"),
}
"""The classes that cannot be survived without the guard."""


@contextmanager
def without(guard: str | None) -> Iterator[Callable[[World], Store]]:
    """Take a guard away for the length of the block; the store that workers have in it."""
    match guard:
        case "confirm":
            with patch("agent.cycle.judge", _always_confirmed):
                yield _safe_store
        case "match":
            with (
                patch("agent.resolve.Targets", _Believing),
                patch("agent.resolve.held_to", _as_planned),
                patch("agent.resolve.uses_only_words_of", _said),
                patch("agent.details.uses_only_words_of", _said),
            ):
                yield _safe_store
        case "fence":
            yield lambda world: _Unfenced(world.agent)
        case _:
            yield _safe_store


def _safe_store(world: World) -> Store:
    return BusStore(world.agent)


def _always_confirmed(expected: Diff, observed: Diff) -> Judgement:
    return Judgement(Verdict.CONFIRMED, ())


def _as_planned(plan: ModelPlan, *_: Any) -> ModelPlan:
    return plan


def _said(*_: Any) -> bool:
    return True


class _Believing(Targets):
    """Takes what the model chose, if it is there."""

    def list_for(self, alias: str, reply: Reply, *, filling: bool = False) -> TodoList:
        return self._board.list_at(alias) or super().list_for(alias, reply, filling=filling)

    def item_for(
        self, alias: str, reply: Reply, *, going_to: str | None = None, wants_done: bool | None = None
    ) -> TodoItem:
        chosen = self._board.item_at(alias)
        return chosen or super().item_for(alias, reply, going_to=going_to, wants_done=wants_done)

    def group(self, _: Select) -> bool:
        return True


class _Unfenced(BusStore):
    """A store that knows neither operation ids nor attempts: each apply is a new one, and nothing is sealed."""

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        return await super().apply(request.model_copy(update={"operation_id": uuid7(), "attempt": 1}))

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult:
        return TakeOverResult(attempt=1)
