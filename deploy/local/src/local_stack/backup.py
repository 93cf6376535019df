"""`todo-agent backup` and `restore`: what a running stack knows into a folder, and out of it into a fresh directory.

The streams are saved before the database: what they call done, the database then holds. What it holds beyond that was
done for turns that the streams have as unanswered, and is confirmed and told when they are delivered again
(docs/decisions/0018-a-backup-is-the-streams-and-then-the-database.md). Passwords are in no backup.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from local_stack.account import unprivileged
from local_stack.binaries import usable
from local_stack.directory import DataDirectory, default_directory, locked, prepare
from local_stack.errors import StackError
from local_stack.nats import settings_of
from local_stack.passwords import load_or_make
from local_stack.temporary import running_nats, running_postgres
from provision.archive import Reader
from provision.errors import ProvisionError
from provision.snapshots import Held, bring_back, save, summary

STREAMS: Final = "streams.tar"
DATABASE: Final = "database.dump"
TIMEOUT_S: Final = 3600.0
SAID_CHARS: Final = 2000


def back_up(into: Path, data: Path | None) -> int:
    """Save the running stack's streams and database in the new folder `into`; the exit status. Raises StackError."""
    directory = DataDirectory(data or default_directory(os.environ, root=os.geteuid() == 0), None)
    _state(directory)
    if into.exists():
        raise StackError(f"{into} is there already; name a folder that is not")
    # Only a whole backup gets the name. What people wrote is in it: for its owner alone.
    into.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{into.name}.", dir=into.parent))
    try:
        held = asyncio.run(save_streams(directory, fresh / STREAMS))
        dump_database(directory, fresh / DATABASE)
        for file in (fresh / STREAMS, fresh / DATABASE):
            file.chmod(0o600)  # wherever it is copied
        _on_disk(fresh / STREAMS, fresh / DATABASE, fresh)
        fresh.rename(into)
        _on_disk(into.parent)
    except ProvisionError as error:
        raise StackError(str(error)) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    sys.stdout.write(f"saved in {into}: {summary(held)}, and the database\n")
    return 0


async def save_streams(directory: DataDirectory, file: Path) -> tuple[Held, ...]:
    """The first half. Raises StackError where no stack runs, ProvisionError where its bus fails."""
    passwords = load_or_make(directory.secrets).bus
    with file.open("wb") as out:
        return await save(settings_of("topology", _state(directory)["nats_url"], passwords), out)


def dump_database(directory: DataDirectory, file: Path) -> None:
    """The second half, of a stack that runs. Raises StackError."""
    url = _state(directory)["database_url"]
    _run(directory, "pg_dump", url, "--format=custom", "--no-owner", f"--file={file}")


def restore(source: Path, data: Path | None) -> int:
    """Make a fresh data directory of a backup; the exit status. Raises StackError; what it began is gone then."""
    account = unprivileged()
    path = data or default_directory(os.environ, root=account is not None)
    try:
        with (source / STREAMS).open("rb") as streams:
            Reader.checked(streams)
        if not (source / DATABASE).is_file():
            raise FileNotFoundError(DATABASE)
    except OSError as error:
        raise StackError(f"{source} is no folder of 'todo-agent backup': it lacks {STREAMS} or {DATABASE}") from error
    except ProvisionError as error:
        raise StackError(f"{source / STREAMS}: {error}") from error
    directory = prepare(path, account)
    with locked(directory):
        made = (directory.postgres / "data", directory.nats / "jetstream")
        if any(one.exists() for one in made):
            raise StackError(
                f"{directory.path} holds a stack's data; move its postgres and nats away, or choose another with --data"
            )
        try:
            asyncio.run(_restore(source, directory))
        except BaseException as error:
            for one in made:
                shutil.rmtree(one, ignore_errors=True)
            if isinstance(error, ProvisionError):
                raise StackError(str(error)) from error
            raise
    sys.stdout.write(f"restored into {directory.path}: 'todo-agent up' goes on from there\n")
    return 0


async def _restore(source: Path, directory: DataDirectory) -> None:
    async with running_postgres(directory) as postgres, running_nats(directory) as nats:
        url = postgres.store_url(driver="postgresql")
        arguments = ("--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={urlsplit(url).path[1:]}")
        await asyncio.to_thread(_run, directory, "pg_restore", url, *arguments, str(source / DATABASE))
        with (source / STREAMS).open("rb") as streams:
            await bring_back(nats.bus_settings("topology"), streams)


def _state(directory: DataDirectory) -> dict[str, str]:
    try:
        state = json.loads(directory.state.read_text(encoding="utf-8"))
        return {name: str(state[name]) for name in ("nats_url", "database_url")}
    except FileNotFoundError as error:
        raise StackError(f"no stack runs in {directory.path}; start it, or name its directory with --data") from error
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"{directory.state} cannot be read; start the stack anew") from error


def _run(directory: DataDirectory, program: str, url: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, with the password in its environment rather than on its command line."""
    place = urlsplit(url)
    env = {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "PGHOST": place.hostname or "",
        "PGPORT": str(place.port),
        "PGUSER": unquote(place.username or ""),
        "PGPASSWORD": unquote(place.password or ""),
        "PGDATABASE": unquote(place.path[1:]),
    }
    try:
        done = subprocess.run(  # noqa: S603 - a program of an installed wheel
            [usable(directory).postgres / program, *arguments],
            env=env,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"{program} did not end within {TIMEOUT_S:g} s") from error
    if done.returncode != 0:
        raise StackError(f"{program} failed:\n{done.stderr[-SAID_CHARS:]}")


def _on_disk(*paths: Path) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
