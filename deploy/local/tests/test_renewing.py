"""The passwords of a data directory are made anew while nothing runs in it, and interrupted, by another try."""

import asyncio
import fcntl
import sys

import asyncpg
import pytest

from local_stack.directory import DataDirectory
from local_stack.errors import StackError
from local_stack.passwords import Passwords, load_or_make
from local_stack.passwords import renew as renewed
from local_stack.renewing import renew
from local_stack.temporary import RunningPostgres, running_nats, running_postgres, temporary_directory

BOUND_S = 60.0


async def renew_by_command(directory: DataDirectory, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_stack", "renew", "--data", str(directory.path), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), BOUND_S)
    return process.returncode or 0, said.decode()


async def enters(postgres: RunningPostgres, user: str, password: str) -> bool:
    try:
        connection = await asyncpg.connect(postgres.server.url(user, password, "todo" if user != "postgres" else user))
    except asyncpg.InvalidPasswordError:
        return False
    await connection.close()
    return True


async def only(postgres: RunningPostgres, new: Passwords, old: Passwords) -> None:
    for user, good, bad in (("postgres", new.superuser, old.superuser), ("todo_store", new.store, old.store)):
        assert await enters(postgres, user, good)
        assert not await enters(postgres, user, bad)


async def test_after_a_renewal_only_the_new_passwords_are_good_and_the_rows_are_there() -> None:
    with temporary_directory() as directory:
        async with running_postgres(directory) as postgres:
            connection = await asyncpg.connect(postgres.store_url(driver="postgresql"))
            await connection.execute("CREATE TABLE kept (id int)")
            await connection.close()
        old = load_or_make(directory.secrets, auth=True)
        assert await renew_by_command(directory) == (0, "renewed: 'todo-agent up' starts with the new passwords\n")
        new = load_or_make(directory.secrets)
        assert new.auth == old.auth, "tokens stay good where that is not asked for"
        assert set(new.bus.values()).isdisjoint(old.bus.values())
        async with running_postgres(directory) as postgres, running_nats(directory):
            await only(postgres, new, old)
            connection = await asyncpg.connect(postgres.store_url(driver="postgresql"))
            assert await connection.fetchval("SELECT count(*) FROM kept") == 0
            await connection.close()
        assert (await renew_by_command(directory, "--tokens"))[0] == 0
        assert load_or_make(directory.secrets).auth not in {None, new.auth}


async def test_one_that_dies_before_postgresql_knows_is_made_good_by_the_next() -> None:
    with temporary_directory() as directory:
        async with running_postgres(directory) as postgres:
            old = postgres.passwords
        lost = renewed(directory.secrets, tokens=False)  # and there it ended
        assert (await renew_by_command(directory))[0] == 0
        new = load_or_make(directory.secrets)
        assert new.store not in {old.store, lost.store}
        async with running_postgres(directory) as postgres:
            await only(postgres, new, old)


def test_a_directory_in_use_is_left_alone() -> None:
    with temporary_directory() as directory, (directory.path / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = load_or_make(directory.secrets)
        with pytest.raises(StackError, match="in use"):
            renew(directory.path, tokens=False)
        assert load_or_make(directory.secrets) == before
