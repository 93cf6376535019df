"""One release back: its services work beside this one's, on this one's schema and bus, and take over from them."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from client import AgentClient
from contracts.permissions import USERS
from contracts.turns import Outcome
from local_stack.directory import DataDirectory
from local_stack.temporary import RunningStack, running_stack, temporary_directory

from .chaos.accounts import accounts
from .chaos.checker import check
from .chaos.collect import collect
from .chaos.history import Kind, Step
from .chaos.sessions import Session
from .chaos.steps import SHARED_LIST, names, script
from .mcp_clients.bridge import Caller, connected, new_owner
from .resume.processes import named, until_back
from .upgrade.mixed import PATH, RUNS
from .upgrade.release import release_before

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SERVICES = ("todo-store", "agent", "rtc-gateway", "signaling")
"""In the order in which an upgrade goes: whoever answers before whoever asks."""
SCALE = ("--standin", "--scale", "agent=2,rtc-gateway=2,todo-store=2", "--deaths", "1000")
LATER = (
    "ALTER TABLE todo_items ADD COLUMN colour text",
    "ALTER TABLE todo_lists ADD COLUMN archived boolean NOT NULL DEFAULT false",
    "ALTER TABLE changes ADD COLUMN door text",
    "ALTER TABLE turns ADD COLUMN seen_at timestamptz",
    "CREATE TABLE labels (owner_key text, id text, PRIMARY KEY (owner_key, id))",
    "UPDATE alembic_version SET version_num = '9999'",
)
"""What a migration may add."""
STEPS = 25
STEPS_MAX = 20_000
SESSIONS = 3
BOUND_S = 400.0


@pytest.fixture(scope="module")
def before() -> str:
    return release_before()


@asynccontextmanager
async def mixed_stack(directory: DataDirectory, before: str, runs: Path) -> AsyncIterator[RunningStack]:
    launcher = (sys.executable, str(Path(__file__).parent / "upgrade" / "mixed.py"))
    environ = {PATH: before, RUNS: str(runs), "DRAIN_S": "4"}
    async with running_stack(directory, *SCALE, environ=environ, launcher=launcher) as stack:
        yield stack


def is_of_before(process: psutil.Process, before: str) -> bool:
    return process.environ().get("PYTHONPATH") == before


def asked_of(old: Sequence[str], service: str, name: str) -> bool:
    return service in old or name in old


def everybody(stack: RunningStack) -> Iterator[tuple[str, str, psutil.Process]]:
    for service in SERVICES:
        for name, process in named(stack, service).items():
            yield service, name, process


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(("agent",), id="agents_of_before_on_a_store_of_now"),
        pytest.param(("todo-store",), id="agents_of_now_on_a_store_of_before"),
        pytest.param(("rtc-gateway",), id="gateways_of_before"),
        pytest.param(("signaling",), id="signaling_of_before"),
        pytest.param(("todo-store", "rtc-gateway"), id="store_and_gateways_of_before"),
        pytest.param(("agent-1", "todo-store-2", "rtc-gateway-1"), id="one_of_each_of_before"),
    ],
)
async def test_services_of_two_releases_keep_every_promise_together(
    before: str, tmp_path: Path, old: tuple[str, ...]
) -> None:
    runs = tmp_path / "runs"
    runs.write_text(" ".join(old))
    rng = random.Random(5)  # noqa: S311 - a script
    words = names(rng)
    with temporary_directory() as directory:
        async with mixed_stack(directory, before, runs) as stack:
            for service, name, process in everybody(stack):
                assert is_of_before(process, before) == asked_of(old, service, name), name
            first = Session(stack.url, [Step(Kind.CREATE_LIST, SHARED_LIST)], asyncio.Semaphore())
            await asyncio.wait_for(first.run(), BOUND_S)
            sessions = [
                Session(stack.url, script(rng, words, STEPS), asyncio.Semaphore(STEPS)) for _ in range(SESSIONS)
            ]
            async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
                for session in sessions:
                    group.create_task(session.run())
            everyone = [first, *sessions]
            history = await collect(directory, [asked for session in everyone for asked in session.asked])
            account = await accounts(directory, [session.witness for session in everyone])
    assert len(history.ends) == len(history.starts) == SESSIONS * STEPS + 1
    assert (violations := check(history)) == [], "\n".join(map(str, violations))
    assert account.is_settled, account


async def test_an_upgrade_under_load_and_the_way_back_lose_nothing(before: str, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.write_text(" ".join(SERVICES))
    rng = random.Random(6)  # noqa: S311 - a script
    words = names(rng)
    stop = asyncio.Event()

    def until_stopped(steps: list[Step]) -> Iterator[Step]:
        for step in steps:
            if stop.is_set():
                return
            yield step

    with temporary_directory() as directory:
        async with mixed_stack(directory, before, runs) as stack:
            assert all(is_of_before(process, before) for _, _, process in everybody(stack))
            first = Session(stack.url, [Step(Kind.CREATE_LIST, SHARED_LIST)], asyncio.Semaphore())
            await asyncio.wait_for(first.run(), BOUND_S)
            asking = [
                Session(stack.url, until_stopped(script(rng, words, STEPS_MAX)), asyncio.Semaphore(STEPS_MAX))
                for _ in range(SESSIONS)
            ]
            async with asyncio.timeout(BOUND_S), asyncio.TaskGroup() as group:
                for session in asking:
                    group.create_task(session.run())
                for session in asking:
                    await session.heard.acquire()
                for order, old in ((SERVICES, False), (tuple(reversed(SERVICES)), True)):
                    for service in order:
                        left = set(runs.read_text().split())
                        runs.write_text(" ".join(left | {service} if old else left - {service}))
                        for name, process in sorted(named(stack, service).items()):
                            process.terminate()
                            await until_back(stack, name, process)
                            assert is_of_before(named(stack, service)[name], before) == old
                stop.set()
            everyone = [first, *asking]
            history = await collect(directory, [asked for session in everyone for asked in session.asked])
            account = await accounts(directory, [session.witness for session in everyone])
    assert (violations := check(history)) == [], "\n".join(map(str, violations))
    assert account.is_settled, account
    assert sum(len(session.witness.sessions) - 1 for session in asking) == 0, "a session was not resumed"
    assert len(history.ends) > 14, "there was load: more turns than processes that were restarted"


async def test_a_store_of_before_works_on_tables_to_which_a_later_release_has_added(
    before: str, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    runs.write_text("")
    with temporary_directory() as directory:
        async with mixed_stack(directory, before, runs) as stack:
            database = await asyncpg.connect(stack.database_url)
            for statement in LATER:
                await database.execute(statement)
            runs.write_text("todo-store")
            for name, process in sorted(named(stack, "todo-store").items()):
                process.terminate()
                await until_back(stack, name, process)
                assert is_of_before(named(stack, "todo-store")[name], before)
            async with AgentClient.connect(stack.url) as client:
                for text in ("create a list called Later", "add ink to Later", "mark ink as done", "undo that"):
                    assert (await client.ask(text)).outcome is Outcome.CONFIRMED, text
            assert await database.fetchval("SELECT count(*) FROM changes") == 4
            await database.close()
        async with running_stack(directory, "--standin") as stack, AgentClient.connect(stack.url) as client:
            assert [row.name for row, _ in (await client.lists()).lists] == ["Later"]  # its migration step leaves them


async def test_a_whole_stack_goes_on_with_the_data_of_the_release_before_and_that_one_with_ours(before: str) -> None:
    with temporary_directory() as directory:
        for environ, title in (({"PYTHONPATH": before}, "Old"), ({}, "Present"), ({"PYTHONPATH": before}, "Back")):
            async with running_stack(directory, "--standin", environ=environ) as stack:
                async with AgentClient.connect(stack.url) as client:
                    assert (await client.ask(f"create a list called {title}")).outcome is Outcome.CONFIRMED
                    found = {row.name for row, _ in (await client.lists()).lists}
                told = json.loads(
                    await _by_the_command_of(before, "ask", "--json", "what are my lists?", url=stack.url)
                )
                assert told["outcome"] == "answered"
            assert title in found
        assert found == {"Old", "Present", "Back"}


@pytest.mark.parametrize(
    ("old", "of_before"),
    [
        pytest.param((), True, id="bridge_of_before"),
        pytest.param(("agent", "todo-store"), False, id="bridge_of_now_on_agents_and_a_store_of_before"),
    ],
)
async def test_an_mcp_bridge_does_all_it_can_with_services_of_another_release(
    before: str, tmp_path: Path, old: tuple[str, ...], of_before: bool
) -> None:
    runs = tmp_path / "runs"
    runs.write_text(" ".join(old))
    env = {"PYTHONPATH": before} if of_before else {}
    with temporary_directory() as directory:
        async with mixed_stack(directory, before, runs) as stack, connected(stack.data, new_owner(), env=env) as bridge:
            (process,) = (
                child
                for child in psutil.Process().children(recursive=True)
                if child.cmdline()[1:3] == ["-m", "mcp_bridge"]
            )
            assert is_of_before(process, before) == of_before
            await everything_over_mcp(bridge)


async def everything_over_mcp(bridge: Caller) -> None:
    """Calls every tool; the changes must be verified."""
    here = (await bridge.done("create_todo_list", name="Here"))["list_id"]
    there = (await bridge.done("create_todo_list", name="There"))["list_id"]
    await bridge.done("rename_todo_list", list_id=there, name="Over there")
    ink = (await bridge.done("create_todo_item", list_id=here, title="ink", due="2030-01-02"))["item_id"]
    await bridge.done("update_todo_item", item_id=ink, title="blue ink", priority="high")
    await bridge.done("complete_todo_item", item_id=ink)
    await bridge.done("move_todo_item", item_id=ink, list_id=there)
    assert (await bridge.call("search_todo_items", query="blue", include_done=True)).facts["total"] == 1
    await bridge.done("delete_todo_item", item_id=ink)
    deleted = await bridge.done("delete_todo_list", list_id=here)
    await bridge.done("undo_change", change_id=deleted["change_id"])
    assert [row["name"] for row in (await bridge.call("get_all_todo_lists")).facts["lists"]] == ["Here", "Over there"]
    assert {row["author"] for row in (await bridge.call("get_changes")).facts["changes"]} == {"mcp"}


async def _by_the_command_of(before: str, *arguments: str, url: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", *arguments, "--url", url),
        env={"PATH": "", "HOME": "/nonexistent", "PYTHONPATH": before},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode()


def test_what_the_release_before_may_do_on_the_bus_is_a_part_of_what_this_one_may(before: str) -> None:
    told = "import json, contracts.permissions as p; "
    told += "print(json.dumps({u.user: [u.publish, u.subscribe] for u in p.USERS}))"
    out = subprocess.run(
        [sys.executable, "-c", told], env={"PYTHONPATH": before}, capture_output=True, text=True, check=True
    ).stdout
    now = {user.user: user for user in USERS}
    for user, (publish, subscribe) in json.loads(out).items():
        assert set(publish) <= set(now[user].publish), user
        assert set(subscribe) <= set(now[user].subscribe), user
