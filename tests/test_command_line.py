"""The command as people and scripts use it: exit statuses, one JSON object, errors of one line."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from typing import Any

import pytest

from local_stack.ports import free_port
from local_stack.temporary import RunningStack

BOUND_S = 60


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


async def todo_agent(*arguments: str) -> Ran:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "local_stack", *arguments, stdout=PIPE, stderr=PIPE, env=os.environ
    )
    out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


async def ask(stack: RunningStack, text: str) -> Ran:
    return await todo_agent("ask", "--url", stack.url, "--json", text)


async def test_a_confirmed_request_has_status_0_and_its_receipt(stack: RunningStack) -> None:
    ran = await ask(stack, "create a list called Command")
    assert ran.status == 0, ran.err
    assert set(ran.json) == {"outcome", "text", "receipt"}
    assert ran.json["outcome"] == "confirmed"
    assert ran.json["receipt"]["verdict"] == "confirmed"
    assert ran.json["receipt"]["observed"] == ran.json["receipt"]["expected"]
    assert len(ran.json["receipt"]["trace_id"]) == 32
    again = await ask(stack, "create a list called Command")
    assert (again.status, again.json["outcome"]) == (0, "already_so")


async def test_a_request_about_nothing_that_exists_has_status_3_and_changes_nothing(stack: RunningStack) -> None:
    before = await todo_agent("lists", "--url", stack.url, "--json")
    ran = await ask(stack, "add tea to Nowhere")
    after = await todo_agent("lists", "--url", stack.url, "--json")
    assert ran.status == 3, ran
    assert "Nothing was changed." in ran.json["text"]
    assert ran.json["receipt"].get("verdict") is None
    assert before.json == after.json


async def test_the_lists_are_shown_with_their_items(stack: RunningStack) -> None:
    await ask(stack, "create a list called Shown")
    await ask(stack, "add pears to Shown")
    ran = await todo_agent("lists", "--url", stack.url)
    assert ran.status == 0
    assert "Shown" in ran.out
    assert "pears" in ran.out


@pytest.mark.parametrize("arguments", [[], ["ask"], ["ask", " "], ["fly"], ["ask", "--url", "ftp://x", "hello"]])
async def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    assert (await todo_agent(*arguments)).status == 2


async def test_no_stack_is_one_clear_line_and_status_1() -> None:
    url = f"http://localhost:{free_port()}"
    ran = await todo_agent("ask", "--url", url, "hello")
    assert ran.status == 1
    assert len(ran.err.strip().splitlines()) == 1
    assert url.rsplit(":", 1)[1] in ran.err
