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
# compose COMMAND ...: notes what it was asked for, and runs what a container would.
set -eu
echo "$*" >>"$ASKED"
command=$1; shift
while [ $# -gt 0 ] && [ "${1#-}" != "$1" ]; do shift; done
case $command in
    exec) shift; first=$1; shift
        if [ "$first" = sh ]; then
            sh "$1" "$(printf %s "$2" | sed "s|/docker-entrypoint-initdb.d/|$SCRIPTS/|")"
        else "$first" "$@"; fi ;;
    run) shift; "$PYTHON" -m provision "$@" ;;
    up | stop) ;;
esac
"""


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
                "PATH": f"{self.postgres.server.binaries}:{os.environ['PATH']}",
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
        """The commands that compose was given, without their options."""
        return (self.folder / "asked").read_text().splitlines()

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
    assert (await project.run("backup.sh", str(backup)))[0] == 0
    assert (await project.run("backup.sh", str(backup)))[0] == 1, "a backup that is there is not written over"
    await project.sql("INSERT INTO kept VALUES ('later')")
    assert (await project.run("restore.sh", str(backup)))[0] == 1
    streams = backup / "streams.tar"
    whole = streams.read_bytes()
    for half in (b"", whole[: len(whole) // 2]):
        streams.write_bytes(half)
        status, said = await project.run("restore.sh", str(backup), "--yes")
        assert status == 1, said
    streams.write_bytes(whole)
    (backup / "database.dump").write_bytes(b"PGDMP and no more")
    assert (await project.run("restore.sh", str(backup), "--yes"))[0] != 0
    assert await project.sql("SELECT name FROM kept") == [("before",), ("later",)]


async def test_half_a_backup_gets_no_name(project: Project) -> None:
    project.nats.child.kill()
    await project.nats.child.wait()
    status, _ = await project.run("backup.sh", str(project.folder / "backup"))
    assert status != 0
    assert [one.name for one in project.folder.iterdir() if one.name.startswith("backup")] == []
