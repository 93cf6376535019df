"""`todo-agent up` as a process: what it says, what it restarts, when it gives up, and that it leaves nothing behind."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import psutil
import pytest

from client import AgentClient
from local_stack.death import bound_to_us
from local_stack.directory import DataDirectory
from local_stack.ports import free_port
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_S = 30.0


async def up(*arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run to its end: exit status, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", "up", *arguments),
        env={**os.environ, **(environ or {})},
        stdout=PIPE,
        stderr=PIPE,
        preexec_fn=bound_to_us(signal.SIGKILL),
    )
    out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


async def gone(processes: list[psutil.Process]) -> None:
    while alive(processes):  # noqa: ASYNC110 - nobody tells us of a grandchild
        await asyncio.sleep(0.02)


async def says(stack: RunningStack, words: str) -> None:
    while words not in stack.said.read_text():  # noqa: ASYNC110 - a file has no event
        await asyncio.sleep(0.02)


def service(stack: RunningStack, module: str) -> psutil.Process:
    return next(child for child in psutil.Process(stack.pid).children() if child.cmdline()[1:] == ["-m", module])


@pytest.fixture(scope="module")
async def own_stack() -> AsyncIterator[RunningStack]:
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as running:
            yield running


async def test_a_taken_port_is_one_line_and_nothing_is_started() -> None:
    with temporary_directory() as directory, socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        status, out, err = await up("--port", str(port), "--data", str(directory.path), "--page", "/dev")
        *_, line = err.splitlines()
        assert (status, out) == (1, "")
        assert (
            line == f"todo-agent: port {port} is taken by another program; stop that one, or choose another with --port"
        )
        assert not (directory.postgres / "data").exists()


async def test_a_port_taken_on_the_other_loopback_is_taken_too() -> None:
    with temporary_directory() as directory, socket.create_server(("::1", 0), family=socket.AF_INET6) as holder:
        port = holder.getsockname()[1]
        status, _, err = await up("--port", str(port), "--data", str(directory.path))
        assert status == 1
        assert f"port {port} is taken" in err


async def test_a_bad_directory_is_one_line_and_status_2() -> None:
    status, out, err = await up("--port", str(free_port()), "--data", "/dev/null/data", "--page", "/dev")
    assert (status, out) == (2, "")
    assert "/dev/null" in err.splitlines()[-1]
    assert "Traceback" not in err


async def test_an_empty_name_for_the_directory_is_wrong_usage() -> None:
    for empty in ("", " "):
        status, out, err = await up("--port", str(free_port()), "--data", empty)
        assert (status, out) == (2, "")
        assert "argument --data: the name of the directory is empty" in err


async def test_a_directory_with_other_files_is_one_line_and_status_2() -> None:
    with temporary_directory() as outer:
        clone = outer.path / "clone"
        clone.mkdir(mode=0o755)
        (clone / ".git").mkdir()
        status, out, err = await up("--port", str(free_port()), "--data", str(clone), "--page", "/dev")
        assert (status, out) == (2, "")
        assert f"{clone} is not empty and holds no data of a stack" in err.splitlines()[-1]
        assert [entry.name for entry in clone.iterdir()] == [".git"]


async def test_the_state_names_the_model_that_was_chosen(own_stack: RunningStack) -> None:
    state = json.loads((own_stack.data / "stack.json").read_text())
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", state["model_url"])


async def test_a_directory_in_use_is_one_line_that_names_the_pid(own_stack: RunningStack) -> None:
    status, _, err = await up("--port", str(free_port()), "--data", str(own_stack.data))
    assert status == 1
    assert f"in use by another stack (pid {own_stack.pid})" in err.splitlines()[-1]


async def test_a_service_that_is_killed_is_started_again_and_the_stack_goes_on(own_stack: RunningStack) -> None:
    for module, name in (("agent", "agent-1"), ("todo_store", "todo-store-1")):
        victim = service(own_stack, module)
        victim.send_signal(signal.SIGKILL)
        await asyncio.wait_for(says(own_stack, f"{name} (pid {victim.pid}) was killed by SIGKILL"), BOUND_S)
        await asyncio.wait_for(says(own_stack, f"{name} runs again"), BOUND_S)
    async with AgentClient.connect(own_stack.url) as client:
        completed = await client.ask("create a list called Survivors")
    assert completed.outcome == "confirmed"
    database = await asyncpg.connect(own_stack.database_url)
    assert await database.fetchval("SELECT count(*) FROM todo_lists WHERE name = 'Survivors'") == 1
    await database.close()


async def test_servers_that_are_killed_are_started_again_and_nothing_is_lost(own_stack: RunningStack) -> None:
    async with AgentClient.connect(own_stack.url) as client:
        before = await client.ask("create a list called Durable")
        assert before.outcome == "confirmed"
    for name in ("postgres", "nats-server"):
        victim = next(child for child in psutil.Process(own_stack.pid).children() if child.name() == name)
        victim.send_signal(signal.SIGKILL)
        await asyncio.wait_for(says(own_stack, f"(pid {victim.pid}) was killed by SIGKILL"), BOUND_S)
    for name in ("postgres", "nats"):
        await asyncio.wait_for(says(own_stack, f"{name} runs again"), BOUND_S)
    async with asyncio.timeout(BOUND_S):
        while True:
            try:
                async with AgentClient.connect(own_stack.url, timeout=5) as client:
                    lists = await client.lists(timeout=5)
                    break
            except Exception:  # noqa: BLE001, S112 - services take a moment to find their servers again
                continue
    assert "Durable" in {row.name for row, _ in lists.lists}


async def test_sigint_stops_everything_in_order_and_leaves_nothing(tmp_path: Path) -> None:
    del tmp_path
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as stack:
            everything = descendants(stack.pid)
            assert {one.username() for one in everything if one.name() in {"postgres", "nats-server"}} != {"root"}
            stack.process.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(stack.process.wait(), BOUND_S) == 0
            assert alive(everything) == []
            assert not directory.state.exists()
        said = stack.said.read_text().splitlines()
        assert [line for line in said if "killed" in line or "did not stop" in line] == []
        assert "database system is shut down" in (directory.logs / "postgres.log").read_text()


async def test_an_impatient_person_sees_what_is_waited_for_and_the_status_of_a_forced_end() -> None:
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as stack:
            everything = descendants(stack.pid)
            service(stack, "agent").suspend()
            stack.process.send_signal(signal.SIGINT)
            await asyncio.wait_for(says(stack, "waiting for agent-1\n"), BOUND_S)
            ended = asyncio.create_task(stack.process.wait())
            while not (await asyncio.wait({ended}, timeout=0.05))[0]:
                stack.process.send_signal(signal.SIGINT)
            assert await ended == 130
            assert alive(everything) == []
            assert stack.said.read_text().count("waiting for") == 1


async def test_a_stack_under_nohup_outlives_its_terminal() -> None:
    with temporary_directory() as directory:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as nohup does it
        try:
            started = running_stack(directory, "--standin")
            stack = await started.__aenter__()
        finally:
            signal.signal(signal.SIGHUP, before)
        try:
            stack.process.send_signal(signal.SIGHUP)
            async with AgentClient.connect(stack.url) as client:
                assert (await client.lists()).lists == ()
            assert "stopping" not in stack.said.read_text()
            stack.process.terminate()
            assert await asyncio.wait_for(stack.process.wait(), BOUND_S) == 0
        finally:
            await started.__aexit__(None, None, None)


async def test_a_second_sigint_forces_what_does_not_stop() -> None:
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as stack:
            everything = descendants(stack.pid)
            service(stack, "agent").suspend()
            ended = asyncio.create_task(stack.process.wait())
            begun = time.monotonic()
            while not (await asyncio.wait({ended}, timeout=0.2))[0]:
                stack.process.send_signal(signal.SIGINT)
            assert time.monotonic() - begun < 6.0, "the orderly end takes its eight seconds for a service that hangs"
            assert await ended == 130
            assert alive(everything) == []


async def test_sigterm_while_starting_leaves_nothing() -> None:
    with temporary_directory() as directory:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "local_stack", "up", "--standin"),
            *("--port", str(free_port()), "--data", str(directory.path)),
            stdout=PIPE,
            stderr=PIPE,
            preexec_fn=bound_to_us(signal.SIGKILL),
        )
        async with asyncio.timeout(BOUND_S):
            # The first children only say their versions, before there is a stack that could be told to stop.
            while not (directory.logs / "nats.log").exists():  # noqa: ASYNC110 - nobody tells us of a grandchild
                await asyncio.sleep(0.01)
        everything = descendants(process.pid)
        process.terminate()
        out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
        assert (process.returncode, out) == (0, b"")
        assert b"Traceback" not in err
        assert alive(everything) == []


async def test_kill_9_leaves_nothing_and_the_next_stack_starts_at_once() -> None:
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as stack:
            async with AgentClient.connect(stack.url) as client:
                await client.ask("create a list called Kept")
            everything = descendants(stack.pid)
            assert len(everything) > 8
            stack.process.send_signal(signal.SIGKILL)
            await stack.process.wait()
            async with running_stack(directory, "--standin") as second:
                assert alive(everything) == []
                async with AgentClient.connect(second.url) as client:
                    lists = await client.lists()
                assert [row.name for row, _ in lists.lists] == ["Kept"]


async def test_a_service_that_keeps_dying_ends_the_stack_with_its_last_words() -> None:
    with temporary_directory() as directory:
        status, out, err = await _up_in(directory, {"MODEL_SLOTS": "99"})
    assert (status, out) == (1, "")
    assert "agent-1" in err
    assert "died 6 times within 60 s; its last words:" in err
    assert "MODEL_SLOTS" in err.split("its last words:")[1]
    assert "Traceback" not in err


async def _up_in(directory: DataDirectory, environ: Mapping[str, str]) -> tuple[int, str, str]:
    return await up("--standin", "--port", str(free_port()), "--data", str(directory.path), environ=environ)
