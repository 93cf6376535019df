"""deploy/backup on real servers, with a stand-in for `docker compose` that runs each command as its container would.

What a container is and may do is tried by tests/containers; here, that the two scripts save and bring back.
"""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest
from nats.aio.client import Client

from contracts.tokens import new_session_id
from local_stack.temporary import RunningNats, RunningPostgres, running_nats, running_postgres, temporary_directory

SCRIPTS = Path(__file__).parents[2] / "backup"
ROLE = Path(__file__).parents[2] / "postgres" / "10-store-role.sh"
BOUND_S = 90.0
COMPOSE = """#!/bin/sh
# compose COMMAND ...: notes what it was asked for, and runs what a container would. It refuses what is asked for in
# another way than the real one needs without a terminal: -T, or it wants one; --no-deps, or `run` starts others.
set -eu
echo "$*" >>"$ASKED"
refuse() { echo "compose: not to be asked for like this: $command $*" >&2; exit 64; }
command=$1; shift
case $command in
    exec) [ "$1 $2" = "-T postgres" ] || refuse "$@"; shift 2
        first=$1; shift
        if [ "$first" = sh ]; then
            sh "$1" "$(printf %s "$2" | sed "s|/docker-entrypoint-initdb.d/|$SCRIPTS/|")"
        else "$first" "$@"; fi ;;
    run) [ "$1 $2 $3 $4" = "--rm -T --no-deps topology" ] || refuse "$@"; shift 4
        "$PYTHON" -m provision "$@" ;;
    ps) [ "$1 $2" = "--all --quiet" ] || refuse "$@"; cat "$SCRIPTS/containers-of-$3" 2>/dev/null || : ;;
    up) [ "$1 $2" = "--detach --wait" ] || refuse "$@" ;;
    stop) [ "$*" = "page signaling mcp-bridge rtc-gateway agent todo-store" ] || refuse "$@" ;;
    *) refuse "$@" ;;
esac
"""
SYNC = """#!/bin/sh
for path in "$@"; do echo "sync ${path##*/}" >>"$ASKED"; done
PATH=${PATH#*:} exec sync "$@"
"""
HALF_A_DUMP = """#!/bin/sh
# As a connection that ends while pg_dump writes, and nobody says so.
PATH=${PATH#*:} pg_dump "$@" >"$SCRIPTS/whole"
head -c "$(($(wc -c <"$SCRIPTS/whole") * 3 / 4))" "$SCRIPTS/whole"
"""
FULL_DISK = """#!/bin/sh
# Reads a dump, and cannot bring it back.
case "$*" in *--dbname*) echo "No space left on device" >&2; exit 1 ;; esac
PATH=${PATH#*:} exec pg_restore "$@"
"""
ROWS = "INSERT INTO kept SELECT md5(number::text) FROM generate_series(1, 5000) AS number"
"""So many that most of a dump is theirs."""


@dataclass(frozen=True)
class Project:
    postgres: RunningPostgres
    nats: RunningNats
    folder: Path

    async def run(self, script: str, *arguments: str) -> tuple[int, str]:
        superuser = urlsplit(self.postgres.superuser_url())
        process = await asyncio.create_subprocess_exec(
            SCRIPTS / script,
            *arguments,
            env={
                "PATH": f"{self.folder / 'programs'}:{self.postgres.server.binaries}:{os.environ['PATH']}",
                "DOCKER_COMPOSE": str(self.folder / "compose"),
                "ASKED": str(self.folder / "asked"),
                "SCRIPTS": str(self.folder),
                "PYTHON": sys.executable,
                "PGHOST": superuser.hostname or "",
                "PGPORT": str(superuser.port),
                "PGPASSWORD": unquote(superuser.password or ""),
                "POSTGRES_USER": superuser.username or "",
                "POSTGRES_DB": "todo",
                "NATS_URL": self.nats.url,
                "NATS_PASSWORD": self.nats.passwords["topology"],
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), BOUND_S)
        return process.returncode or 0, out.decode()

    def asked(self) -> list[str]:
        """The commands that compose was given, and what was brought onto the disk."""
        return (self.folder / "asked").read_text().splitlines()

    def program(self, name: str, text: str) -> None:
        """Put `text` before the program of that name."""
        path = self.folder / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    async def sql(self, statement: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(self.postgres.store_url(driver="postgresql"))
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def started(self, turn: str) -> None:
        settings = self.nats.bus_settings("rtc-gateway")
        client = Client()
        await client.connect(
            settings.url, user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix
        )
        try:
            await client.request(f"evt.chat.{SESSION}.{turn}.start", b"{}", timeout=5)
        finally:
            await client.close()


SESSION = new_session_id()


@pytest.fixture
async def project(tmp_path: Path) -> AsyncIterator[Project]:
    async with servers() as (postgres, nats):
        (tmp_path / "store_password").write_text(postgres.passwords.store)
        role = tmp_path / ROLE.name
        role.write_text(ROLE.read_text().replace("/run/secrets", str(tmp_path)))
        (tmp_path / "compose").write_text(COMPOSE)
        for program in (role, tmp_path / "compose"):
            program.chmod(0o755)
        found = Project(postgres, nats, tmp_path)
        found.program("sync", SYNC)
        await found.sql("CREATE TABLE kept (name text)")
        await found.sql("INSERT INTO kept VALUES ('before')")
        await found.started("t1")
        yield found


@asynccontextmanager
async def servers() -> AsyncIterator[tuple[RunningPostgres, RunningNats]]:
    with temporary_directory() as directory:
        async with running_postgres(directory) as postgres, running_nats(directory) as nats:
            yield postgres, nats


async def test_what_was_saved_comes_back_and_what_came_later_is_gone(project: Project) -> None:
    backup = project.folder / "backup"
    status, said = await project.run("backup.sh", str(backup))
    assert (status, said.splitlines()[0]) == (0, "saved messages: CHAT 1, OUT 0, DLQ 0, KV_sessions 0")
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in backup.iterdir()} == {
        "streams.tar": 0o600,
        "database.dump": 0o600,
    }
    saving = [command for command in project.asked() if "backup -" in command or "pg_dump" in command]
    assert [("backup" in command, "pg_dump" in command) for command in saving] == [(True, False), (False, True)]
    written = [command for command in project.asked() if command.startswith("sync")]
    assert written[:2] == ["sync streams.tar", "sync database.dump"]
    assert written[2].startswith("sync backup."), "the folder, before it has its name"
    assert written[3] == f"sync {project.folder.name}"

    await project.sql("INSERT INTO kept VALUES ('later')")
    await project.started("t2")
    for again in range(2):  # it can be done again
        status, said = await project.run("restore.sh", str(backup), "--yes")
        assert status == 0, said
        assert "brought back messages: CHAT 1, OUT 0, DLQ 0, KV_sessions 0" in said, again
        assert await project.sql("SELECT name FROM kept") == [("before",)]
        assert await project.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'kept'") == [("todo_store",)]
    asked = [command.split()[0] for command in project.asked()]
    assert asked.index("stop") < max(number for number, command in enumerate(asked) if command == "run")
    assert asked[-1] == "up"


async def test_nothing_is_touched_without_a_yes_or_by_half_a_backup(project: Project) -> None:
    backup = project.folder / "backup"
    await project.sql(ROWS)
    assert (await project.run("backup.sh", str(backup)))[0] == 0
    assert (await project.run("backup.sh", str(backup)))[0] == 1, "a backup that is there is not written over"
    await project.sql("INSERT INTO kept VALUES ('later')")
    assert (await project.run("restore.sh", str(backup)))[0] == 1
    # Each of the dump's parts but the first has its table of contents. What nobody misses is at the end of both files.
    for name, parts in {"streams.tar": (0.0, 0.5), "database.dump": (0.0, 0.5, 0.9)}.items():
        file = backup / name
        whole = file.read_bytes()
        for part in parts:
            file.write_bytes(whole[: int(len(whole) * part)])
            status, said = await project.run("restore.sh", str(backup), "--yes")
            assert status != 0, said
        file.write_bytes(whole)
    assert not [command for command in project.asked() if "createdb" in command or command.startswith("stop")]
    assert await project.sql("SELECT count(*) FROM kept WHERE name IN ('before', 'later')") == [(2,)]


async def test_a_database_that_cannot_be_brought_back_leaves_the_one_that_is_there(project: Project) -> None:
    backup = project.folder / "backup"
    assert (await project.run("backup.sh", str(backup)))[0] == 0
    await project.sql("INSERT INTO kept VALUES ('later')")
    project.program("pg_restore", FULL_DISK)
    status, said = await project.run("restore.sh", str(backup), "--yes")
    assert (status, said.splitlines()[-1]) == (1, "No space left on device")
    assert await project.sql("SELECT name FROM kept") == [("before",), ("later",)]
    assert not [command for command in project.asked() if command.startswith("stop")]
    (project.folder / "programs" / "pg_restore").unlink()
    status, said = await project.run("restore.sh", str(backup), "--yes")
    assert status == 0, said
    assert await project.sql("SELECT name FROM kept") == [("before",)]


@pytest.mark.long
async def test_a_restore_starts_as_many_of_each_service_as_there_were(project: Project) -> None:
    backup = project.folder / "backup"
    assert (await project.run("backup.sh", str(backup)))[0] == 0
    for service, containers in {"agent": "one\ntwo\nthree\n", "todo-store": "one\n"}.items():
        (project.folder / f"containers-of-{service}").write_text(containers)
    assert (await project.run("restore.sh", str(backup), "--yes"))[0] == 0
    # Of gateways there is none, as in a new project: compose.yml says how many.
    assert project.asked()[-1] == "up --detach --wait --scale agent=3 --scale todo-store=1"


@pytest.mark.long
async def test_half_a_backup_gets_no_name(project: Project) -> None:
    await project.sql(ROWS)
    project.program("pg_dump", HALF_A_DUMP)
    status, _ = await project.run("backup.sh", str(project.folder / "backup"))
    assert status != 0
    (project.folder / "programs" / "pg_dump").unlink()
    project.nats.child.kill()
    await project.nats.child.wait()
    status, _ = await project.run("backup.sh", str(project.folder / "backup"))
    assert status != 0
    assert [one.name for one in project.folder.iterdir() if one.name.startswith("backup")] == []


@pytest.mark.long
async def test_a_backup_goes_where_it_is_told_and_takes_nothing_away(project: Project) -> None:
    others = project.folder / "backups" / "today.new"
    others.mkdir(parents=True)
    (others / "theirs").write_text("kept")
    status, said = await project.run("backup.sh", f"{project.folder / 'backups' / 'today'}//")
    assert (status, said.splitlines()[-1]) == (0, f"saved in {project.folder / 'backups' / 'today'}")
    assert sorted(one.name for one in (project.folder / "backups").iterdir()) == ["today", "today.new"]
    assert (others / "theirs").read_text() == "kept"
    for nothing in ([], ["--help"], [""]):
        status, said = await project.run("backup.sh", *nothing)
        assert (status, said) == (1, "usage: backup.sh FOLDER\n")
