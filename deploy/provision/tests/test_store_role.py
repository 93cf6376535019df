"""The role of the store gets the password that is in force: when it is made, and when that is renewed."""

import os
import secrets as random_words
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from local_stack.postgres import STORE_USER
from local_stack.temporary import RunningPostgres, running_postgres, temporary_directory

SCRIPT = Path(__file__).parents[2] / "postgres" / "10-store-role.sh"
QUOTED = "a'b\"c\\d:e"


def run(postgres: RunningPostgres, folder: Path, password: str, database: str) -> None:
    """As PostgreSQL's image runs it, but with a server that is elsewhere."""
    (folder / "store_password").write_text(password)
    script = folder / SCRIPT.name
    script.write_text(SCRIPT.read_text().replace("/run/secrets", str(folder)))
    superuser = urlsplit(postgres.superuser_url())
    done = subprocess.run(
        ["sh", script],
        env={
            "PATH": f"{postgres.server.binaries}:{os.environ['PATH']}",
            "PGHOST": superuser.hostname or "",
            "PGPORT": str(superuser.port),
            "PGPASSWORD": unquote(superuser.password or ""),
            "POSTGRES_USER": superuser.username or "",
            "POSTGRES_DB": database,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


async def owner_of(postgres: RunningPostgres, password: str, database: str) -> str | None:
    """Who the role is in that database and whether it is its owner's; None where the password is refused."""
    try:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=postgres.server.port, user=STORE_USER, password=password, database=database
        )
    except asyncpg.InvalidPasswordError:
        return None
    try:
        await connection.execute("CREATE TABLE mine (id int)")
        await connection.execute("DROP TABLE mine")
        found: str = await connection.fetchval(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        )
    finally:
        await connection.close()
    return found


@pytest.mark.parametrize("new", ["renewed-password", QUOTED])
async def test_the_old_password_is_refused_and_the_new_one_opens_the_database(tmp_path: Path, new: str) -> None:
    database = f"lists {random_words.token_hex(4)}"
    # Of its own: the role is one for the whole server.
    with temporary_directory() as directory:
        async with running_postgres(directory) as postgres:
            connection = await asyncpg.connect(postgres.superuser_url())
            await connection.execute(f'CREATE DATABASE "{database}"')
            await connection.execute(f"DROP DATABASE {postgres.store_url().rsplit('/', 1)[1]}")
            await connection.execute(f"DROP ROLE {STORE_USER}")
            await connection.close()
            run(postgres, tmp_path, "first-password", database)  # the role is made
            assert await owner_of(postgres, "first-password", database) == STORE_USER
            run(postgres, tmp_path, new, database)  # and given another password
            assert await owner_of(postgres, new, database) == STORE_USER
            assert await owner_of(postgres, "first-password", database) is None
            run(postgres, tmp_path, new, database)
            assert await owner_of(postgres, new, database) == STORE_USER
