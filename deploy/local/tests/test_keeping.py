"""What becomes of processes that die: started again, given up, stopped."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from local_stack.child import Child, Command
from local_stack.errors import GivenUpError, StackError
from local_stack.journal import FILE_MAX_BYTES, LINE_MAX_BYTES, TAIL_LINES, Journal
from local_stack.keeper import Keeper, Kept, Start
from local_stack.restarts import RestartPolicy

BOUND_S = 10.0
QUICK = RestartPolicy(first_wait_s=0.001, longest_wait_s=0.002)


@contextmanager
def journal_in(path: Path) -> Iterator[Journal]:
    journal = Journal(path / "it.log")
    try:
        yield journal
    finally:
        journal.close()


def shell(script: str, *, ready: bytes | None = b"serving") -> Command:
    return Command(argv=("/bin/sh", "-c", script), env={"PATH": os.defpath}, ready_line=ready)


def test_the_wait_doubles_with_each_death_and_ends_with_the_sixth_within_a_minute() -> None:
    policy = RestartPolicy()
    deaths = [float(second) for second in range(6)]
    waits = [policy.wait_after(deaths[: count + 1], deaths[count]) for count in range(6)]
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, None]


def test_deaths_long_ago_do_not_count() -> None:
    policy = RestartPolicy()
    assert policy.wait_after([*range(5), 100.0], 100.0) == 0.1
    assert policy.wait_after([*(100.0 + n for n in range(5)), 160.0], 160.0) is None


async def test_a_process_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    starts: list[Start] = []

    def command(start: Start) -> Command:
        starts.append(start)
        return shell("echo serving; exit 7" if start.first else "echo serving; exec sleep 1000")

    with journal_in(tmp_path) as journal:
        keeper = Keeper(Kept("thing-1", 0, command, ready_path=None), journal, said.put_nowait, QUICK)
        running = asyncio.create_task(keeper.run())
        death, rebirth = [await asyncio.wait_for(said.get(), BOUND_S) for _ in range(2)]
        child = keeper.child
        assert child is not None
        assert re.fullmatch(r"thing-1 \(pid \d+\) ended with status 7; it is started again in 0\.001 s", death)
        assert rebirth == f"thing-1 runs again (pid {child.pid})"
        assert [start.first for start in starts] == [True, False]

        keeper.retire()
        child.stop()
        await asyncio.wait_for(running, BOUND_S)
        assert said.empty(), "an end that was wanted is not said"


async def test_a_kill_is_named_by_its_signal(tmp_path: Path) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    with journal_in(tmp_path) as journal:
        kept = Kept("thing", 0, lambda _: shell("echo serving; exec sleep 1000"), ready_path=None)
        keeper = Keeper(kept, journal, said.put_nowait, QUICK)
        running = asyncio.create_task(keeper.run())
        await keeper.ready(timeout=BOUND_S)
        assert keeper.child is not None
        os.kill(keeper.child.pid, signal.SIGKILL)
        assert "was killed by SIGKILL" in await asyncio.wait_for(said.get(), BOUND_S)
        assert "runs again" in await asyncio.wait_for(said.get(), BOUND_S)
        keeper.retire()
        keeper.child.kill()
        await asyncio.wait_for(running, BOUND_S)


async def test_a_process_that_keeps_dying_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    said: list[str] = []
    with journal_in(tmp_path) as journal:
        kept = Kept("thing", 0, lambda _: shell("echo the cause of it >&2; exit 3"), ready_path=None)
        with pytest.raises(GivenUpError) as given_up:
            await asyncio.wait_for(Keeper(kept, journal, said.append, QUICK).run(), BOUND_S)
    assert "ended with status 3, and died 6 times within 60 s" in str(given_up.value)
    assert str(given_up.value).endswith("the cause of it")
    assert sum("started again" in line for line in said) == 5


async def test_one_that_is_never_ready_is_named_with_what_is_missing(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        kept = Kept("thing", 0, lambda _: shell("echo starting; exec sleep 1000"))
        keeper = Keeper(kept, journal, lambda _: None, QUICK)
        running = asyncio.create_task(keeper.run())
        with pytest.raises(StackError, match=r"thing is not ready after 0\.3 s \(not listening\)"):
            await keeper.ready(timeout=0.3)
        keeper.retire()
        assert keeper.child is not None
        keeper.child.kill()
        await asyncio.wait_for(running, BOUND_S)


async def test_a_program_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    refused = pytest.raises(StackError, match=r"thing cannot be started: /no/such/program: No such file")
    with journal_in(tmp_path) as journal, refused:
        await Child.start("thing", Command(argv=("/no/such/program",), env={}), journal)


async def test_a_child_that_ends_takes_its_own_children_with_it(tmp_path: Path) -> None:
    with journal_in(tmp_path) as journal:
        child = await Child.start("thing", shell("sleep 1000 & echo serving $!; sleep 1000"), journal)
        await child.serving(timeout=BOUND_S)
        orphan = int(child.last_words().split()[1])
        child.kill()
        begun = time.monotonic()
        assert await child.wait() == -signal.SIGKILL
        assert time.monotonic() - begun < BOUND_S, "the orphan held the pipe, and nobody waits for that"
        await asyncio.wait_for(_gone(orphan), BOUND_S)


async def _gone(pid: int) -> None:
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - not ours
        await asyncio.sleep(0.01)


def test_a_journal_is_bounded_on_disk_and_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "it.log"
    path.write_text("of the last time\n")
    journal = Journal(path)
    try:
        assert (tmp_path / "it.log.1").read_text() == "of the last time\n"
        block = (b"x" * 1023 + b"\n") * 1024
        for _ in range(2 * FILE_MAX_BYTES // len(block) + 1):
            journal.take(block)
        files = sorted(file.name for file in tmp_path.iterdir())
        assert files == ["it.log", "it.log.1"]
        assert all(file.stat().st_size <= FILE_MAX_BYTES for file in tmp_path.iterdir())
        journal.take(b"y" * 10 * LINE_MAX_BYTES)
        assert len(journal.last_words()) <= TAIL_LINES * (LINE_MAX_BYTES + 1)
        assert journal.take(b"\nwhole\nhalf") == (b"y" * LINE_MAX_BYTES, b"whole")
        assert journal.last_words().endswith("whole\nhalf")
    finally:
        journal.close()


def test_a_full_disk_loses_lines_and_not_the_process() -> None:
    journal = Journal(Path("/dev/full"))
    try:
        assert journal.take(b"a line\n") == (b"a line",)
        assert journal.lost_bytes == len(b"a line\n")
        assert journal.last_words() == "a line"
    finally:
        journal.close()
