"""The agent dies between EXECUTE and CONFIRM; the turn is completed once and its effect stands once."""

import asyncpg

from client import AgentClient
from contracts.turns import Outcome, Verdict
from local_stack.temporary import running_stack, temporary_directory


async def test_a_turn_survives_the_death_of_its_agent_after_the_apply() -> None:
    scale = ("--scale", "agent=2,rtc-gateway=2")
    with temporary_directory() as directory:
        crash = {"CRASH_AT": "agent:after_apply"}
        async with running_stack(directory, "--standin", *scale, environ=crash) as stack:
            async with AgentClient.connect(stack.url) as client:
                completed = await client.ask("create a list called Once", timeout=60)
                lists = await client.lists()
            said = stack.said.read_text()
            database = await asyncpg.connect(stack.database_url)
            changes = await database.fetch("SELECT operation_id, change_id FROM changes")
            turns = await database.fetch("SELECT attempt, result FROM turns")
            await database.close()
    assert "agent" in said
    assert "SIGKILL" in said or "-9" in said or "signal 9" in said, said
    assert completed.outcome is Outcome.CONFIRMED
    assert completed.receipt.verdict is Verdict.CONFIRMED
    assert [row.name for row, _ in lists.lists] == ["Once"]
    assert [(row["operation_id"], row["change_id"]) for row in changes] == [
        (completed.turn_id, completed.receipt.change_id)
    ]
    assert len(turns) == 1
