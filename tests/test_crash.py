"""A process dies at a named point of a turn; the turn is completed once and its effect stands once."""

import re

import asyncpg
import pytest

from client import AgentClient
from contracts.turns import Outcome, Verdict
from local_stack.temporary import running_stack, temporary_directory

AGENT_POINTS = ("before_plan", "before_apply", "after_confirm", "before_completed", "after_completed")
STORE_POINTS = ("before_apply_commit", "after_apply_commit")


@pytest.mark.parametrize(
    ("service", "point"),
    [
        ("agent", "after_apply"),  # between EXECUTE and CONFIRM
        *(pytest.param("agent", point, marks=pytest.mark.long) for point in AGENT_POINTS),
        *(pytest.param("todo-store", point, marks=pytest.mark.long) for point in STORE_POINTS),
    ],
)
async def test_a_turn_survives_a_death_at(service: str, point: str) -> None:
    scale = ("--scale", "agent=2,rtc-gateway=2,todo-store=2")
    with temporary_directory() as directory:
        crash = {"CRASH_AT": f"{service}:{point}"}
        async with running_stack(directory, "--standin", *scale, environ=crash) as stack:
            async with AgentClient.connect(stack.url) as client:
                completed = await client.ask("create a list called Once", timeout=100)
                lists = await client.lists()
            said = stack.said.read_text()
            database = await asyncpg.connect(stack.database_url)
            changes = await database.fetch("SELECT operation_id, change_id FROM changes")
            turns = await database.fetch("SELECT operation_id FROM turns")
            await database.close()
    assert re.search(rf"{service}-\d.*SIGKILL", said), said
    assert completed.outcome is Outcome.CONFIRMED
    assert completed.receipt.verdict is Verdict.CONFIRMED
    assert [row.name for row, _ in lists.lists] == ["Once"]
    assert [(row["operation_id"], row["change_id"]) for row in changes] == [
        (completed.turn_id, completed.receipt.change_id)
    ]
    assert [row["operation_id"] for row in turns] == [completed.turn_id]
