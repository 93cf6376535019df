"""What the store counts of what it was asked for."""

from typing import TYPE_CHECKING

import pytest
from tests.telemetry.measured import Measured

from bus.errors import Refusal
from contracts import metrics
from contracts.metric_labels import STORE_OPERATION
from contracts.operations import CompleteItem, CreateItem, CreateList
from todo_store.handlers import Handlers

if TYPE_CHECKING:
    from conftest import Store

GROCERIES = CreateList(list_id="l1", name="Groceries")


async def test_what_was_asked_for_is_timed_by_what_came_of_it(store: "Store", measured: Measured) -> None:
    def counted(operation: str, result: str) -> float:
        return measured(metrics.STORE_DURATION, {"operation": operation, "result": result})

    await store.do(GROCERIES)
    await store.apply(CompleteItem(item_id="inever", done=True), relies_on={"inever": 1})
    with pytest.raises(Refusal):
        await store.apply(CreateItem(item_id="i1", list_id="l1", title="x"), attempt=9)
    await store.snapshot()
    await store.take_over("op1")

    assert counted("apply", "applied") == counted("apply", "conflict") == counted("apply", "invalid") == 1
    assert counted("snapshot", "ok") == counted("take_over", "ok") == 1
    assert measured(metrics.STORE_DURATION) == 5


def test_every_verb_has_its_place_in_the_metrics() -> None:
    assert {name for name in vars(Handlers) if not name.startswith("_")} == STORE_OPERATION.values
