"""A stack that asks who is there, as a person runs it: `todo-agent up --auth`, `token`, `ask`, `lists`, `forget`."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from local_stack.ports import outward_address
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_S = 60
ALL = "0.0.0.0"  # noqa: S104 - what the stack is told


async def todo_agent(*arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **(environ or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture(scope="module")
async def own_stack() -> AsyncIterator[RunningStack]:
    """It asks for tokens, and listens on every address; before that it was one that did neither."""
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as before:
            assert (await todo_agent("ask", "--url", before.url, "create a list called Before"))[0] == 0
        async with running_stack(directory, "--standin", "--auth", "--listen", ALL) as running:
            yield running


async def token(stack: RunningStack, owner: str, *more: str) -> str:
    status, out, err = await todo_agent("token", "--owner", owner, "--data", str(stack.data), *more)
    assert status == 0, err
    assert err.endswith(f"/#t={out}")
    return out.strip()


async def test_a_token_lets_its_owner_in_and_shows_nobody_elses_lists(own_stack: RunningStack) -> None:
    ada, eve = await token(own_stack, "Ada"), await token(own_stack, "Eve")
    status, out, err = await todo_agent(
        "ask", "--url", own_stack.url, "--token", ada, "create a list called Secrets of Ada"
    )
    assert (status, err) == (0, "")
    assert out.startswith("confirmed: ")
    by_environment = {"TODO_AGENT_TOKEN": ada}
    assert "Secrets of Ada" in (await todo_agent("lists", "--url", own_stack.url, environ=by_environment))[1]
    assert await todo_agent("lists", "--url", own_stack.url, "--token", eve) == (0, "no lists\n", "")
    status, out, _ = await todo_agent("ask", "--url", own_stack.url, "--token", eve, "add tea to Secrets of Ada")
    assert status == 3, out


async def test_without_a_good_token_nobody_is_let_in_and_it_is_said_what_to_do(own_stack: RunningStack) -> None:
    for given, words in (("", "no access token was given"), ("nonsense", "is not valid here")):
        status, out, err = await todo_agent("lists", "--url", own_stack.url, "--token", given)
        assert (status, out) == (1, "")
        (line,) = err.splitlines()
        assert words in line
        assert "todo-agent token --owner NAME" in line


async def test_on_this_machine_the_command_line_is_the_local_owner_who_keeps_the_lists_of_before(
    own_stack: RunningStack,
) -> None:
    status, out, err = await todo_agent("lists", "--data", str(own_stack.data))
    assert (status, out, err) == (0, "Before\n", "")
    me = await token(own_stack, "me")
    assert await todo_agent("lists", "--url", own_stack.url, "--token", me) == (0, "Before\n", "")


async def test_others_reach_it_by_an_address_of_this_machine(own_stack: RunningStack) -> None:
    port = own_stack.url.rsplit(":", 1)[1]
    address = f"http://{outward_address(ALL)}:{port}"
    status, _, err = await todo_agent("token", "--owner", "Ada", "--data", str(own_stack.data))
    assert status == 0
    assert err.startswith(f"{address}/#t=ey") or outward_address(ALL) == ALL
    ada = await token(own_stack, "Ada")
    status, _, err = await todo_agent("lists", "--url", address, "--token", ada)
    assert (status, err) == (0, "")


async def test_forgetting_an_owner_by_name_forgets_who_signed_in_by_it(own_stack: RunningStack) -> None:
    zoe = await token(own_stack, "Zoe")
    await todo_agent("ask", "--url", own_stack.url, "--token", zoe, "create a list called Gone")
    status, out, err = await todo_agent("forget", "--owner", "Zoe", "--data", str(own_stack.data))
    assert (status, err) == (0, "")
    assert "1 list" in out
    assert (await todo_agent("lists", "--url", own_stack.url, "--token", zoe))[1] == "no lists\n"


async def test_no_secret_and_no_token_is_in_any_log(own_stack: RunningStack) -> None:
    ada = await token(own_stack, "Ada")
    await todo_agent("lists", "--url", own_stack.url, "--token", ada)
    await todo_agent("lists", "--url", own_stack.url, "--token", f"{ada}x")
    logs = "".join(path.read_text(errors="replace") for path in (own_stack.data / "logs").iterdir())
    assert "client admitted" in logs
    secrets = [
        line.split('"')[3] for line in (own_stack.data / "secrets.json").read_text().splitlines() if ": " in line
    ]
    assert len(secrets) > 5
    for private in (ada, *secrets):
        assert private not in logs


async def test_listening_wider_without_asking_anybody_is_refused_before_anything_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    status, out, err = await todo_agent("up", "--standin", "--listen", ALL, "--data", str(data), "--page", "/dev")
    assert (status, out) == (2, "")
    assert f"--listen {ALL} lets others reach this stack" in err.splitlines()[-1]
    assert "--auth" in err
    assert not data.exists()
