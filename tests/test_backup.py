"""A stack is destroyed and made anew of its backup: what was known then is there, and nobody is told a wrong thing."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from client import AgentClient, AgentSession, Lists, Lost, Opened, SessionEvent
from contracts.channel import TurnCompletedEvent
from contracts.tokens import uuid7
from contracts.turns import Outcome
from local_stack.backup import DATABASE, STREAMS, dump_database, save_streams
from local_stack.directory import DataDirectory
from local_stack.ports import free_port
from local_stack.temporary import RunningStack, running_stack, temporary_directory

from .chaos.checker import Wrong, check
from .chaos.collect import collect
from .resume.model import HeldModel, held_model

BOUND_S = 60.0
WAITING = "create a list called Waiting"
LATER = 12
"""So many turns after the backup: their events have numbers that the restored streams give out again."""


@dataclass
class Ground:
    """One model and one port, on which one stack runs after the other."""

    model: HeldModel
    port: int

    @asynccontextmanager
    async def stack(self, directory: DataDirectory) -> AsyncIterator[RunningStack]:
        options = ("--model-url", self.model.url, "--port", str(self.port), "--scale", "agent=2")
        async with running_stack(directory, *options) as running:
            yield running


@pytest.fixture
async def ground() -> AsyncIterator[Ground]:
    async with held_model() as model:
        yield Ground(model, free_port())


async def todo_agent(*arguments: str, status: int = 0) -> str:
    """What it says: on stdout, or on stderr where it is to fail."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), BOUND_S)
    assert process.returncode == status, err.decode()
    return (err if status else out).decode()


def cut_in_its_rows(backup: Path, into: Path) -> Path:
    """A copy of a backup whose dump ends within the first table's rows: its table of contents is whole."""
    shutil.copytree(backup, into)
    dump = (backup / DATABASE).read_bytes()
    (into / DATABASE).write_bytes(dump[: dump.index(b"x\x9c") + 8])  # zlib's first bytes
    return into


async def confirmed(session: AgentSession, text: str) -> None:
    assert (await session.ask(text, timeout=BOUND_S)).outcome is Outcome.CONFIRMED


def names(found: Lists) -> set[str]:
    return {row.name for row, _ in found.lists}


async def next_outcome(events: AsyncIterator[SessionEvent]) -> TurnCompletedEvent:
    async with asyncio.timeout(BOUND_S):
        async for event in events:
            if isinstance(event, TurnCompletedEvent):
                return event
    raise AssertionError("events ended")


async def done_under(stack: RunningStack, turn_id: str) -> int:
    database = await asyncpg.connect(stack.database_url)
    try:
        found: int = await database.fetchval("SELECT count(*) FROM changes WHERE operation_id = $1", turn_id)
    finally:
        await database.close()
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "applied_between",
    [
        pytest.param(False, id="open_at_the_backup"),
        pytest.param(True, id="applied_between_its_halves", marks=pytest.mark.long),
    ],
)
async def test_a_stack_made_of_a_backup_goes_on_where_it_was(
    ground: Ground, tmp_path: Path, applied_between: bool
) -> None:
    channels: list[Opened | Lost] = []
    model, turn_id, backup = ground.model, uuid7(), tmp_path / "backup"
    async with AsyncExitStack() as open_all_along:
        with temporary_directory() as directory:
            async with ground.stack(directory) as stack:
                page = await open_all_along.enter_async_context(AgentSession.open(stack.url, on_change=channels.append))
                await confirmed(page, "create a list called Kept")
                await confirmed(page, "add ink to Kept")
                async with AgentSession.open(stack.url) as other:
                    await model.hold()
                    asking = asyncio.create_task(other.ask(WAITING, turn_id=turn_id, timeout=BOUND_S))
                    await model.until_asked()
                    if applied_between:
                        backup.mkdir()
                        await save_streams(directory, backup / STREAMS)
                        await model.release()
                        await asking
                        await asyncio.to_thread(dump_database, directory, backup / DATABASE)
                    else:
                        said = await todo_agent("backup", str(backup), "--data", str(directory.path))
                        assert said.startswith(f"saved in {backup}: CHAT 5, ")
                        assert {file.name: file.stat().st_mode & 0o777 for file in backup.iterdir()} == {
                            STREAMS: 0o600,
                            DATABASE: 0o600,
                        }
                        await model.release()
                    assert (await asking).outcome is Outcome.CONFIRMED
                    others = other.resumption
                for number in range(LATER):
                    await confirmed(page, f"create a list called Later {number}")
                before = page.resumption
                assert before is not None
                assert before.seen is not None
        assert not directory.path.exists()

        with temporary_directory() as directory:
            half = cut_in_its_rows(backup, tmp_path / "half")
            assert "pg_restore failed" in await todo_agent(
                "restore", str(half), "--data", str(directory.path), status=1
            )
            assert not (directory.postgres / "data").exists()
            assert not (directory.nats / "jetstream").exists()
            assert "goes on" in await todo_agent("restore", str(backup), "--data", str(directory.path))
            async with ground.stack(directory) as stack:
                # The turn that was accepted and not answered is answered, and done once.
                async with AgentClient.connect(stack.url, resume=others) as again:
                    answered = await again.ask(WAITING, turn_id=turn_id, timeout=BOUND_S)
                assert (answered.outcome, await done_under(stack, turn_id)) == (Outcome.CONFIRMED, 1)
                # The page that was open all along shows what there is, and not what it has seen since.
                assert names(await page.lists()) == {"Kept", "Waiting"}
                after = page.resumption
                assert after is not None
                assert after.session == before.session, "its token was good at the backup"
                client = next(one.client for one in reversed(channels) if isinstance(one, Opened))
                turns = (await client.history()).turns
                assert [turn.text for turn in turns] == ["create a list called Kept", "add ink to Kept"]
                # And it is told what comes now, though it has heard these numbers before, of other events.
                events = page.events()
                await confirmed(page, "create a list called Afterwards")
                event = await next_outcome(events)
                assert event.turn.receipt.change_id is not None
                assert 0 < (event.seq or 0) <= before.seen.chat
                history = await collect(directory, [])
        assert {end.turn.turn_id for end in history.ends} == {start.turn.turn_id for start in history.starts}
        assert len(history.changes) == history.revision == 4
        assert sorted(history.lists) == ["Afterwards", "Kept", "Waiting"]
        assert [(item.list_name, item.title) for item in history.items] == [("Kept", "ink")]
        # What the rows should be is known above; the checker knows it of scripts.
        assert [one for one in check(history) if one.wrong is not Wrong.WRONG_ROWS] == []
