"""PostgreSQL from its wheel: a cluster in the data directory, served in the foreground on the loopback.

No unix socket, passwords only (SCRAM), data checksums, every commit on disk before it is confirmed. The store's user
owns its database and nothing else.
"""

import asyncio
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from local_stack.account import Account
from local_stack.child import Command
from local_stack.death import bound_to_us
from local_stack.directory import DataDirectory
from local_stack.errors import StackError, UnusableDirectoryError
from local_stack.passwords import Passwords
from local_stack.ports import LOOPBACK
from local_stack.private_file import write_private

SUPERUSER: Final = "postgres"
STORE_USER: Final = "todo_store"
STORE_DATABASE: Final = "todo"
STORE_DRIVER: Final = "postgresql+asyncpg"
MAJOR_VERSION: Final = "18"
INITDB_TIMEOUT_S: Final = 60.0
PREDECESSOR_TIMEOUT_S: Final = 10.0

_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "60",
    # A laptop that does other things too: little memory, few processes.
    "shared_buffers": "64MB",
    "io_method": "sync",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_max_workers": "2",
    "jit": "off",
    # One machine without replicas: less to write.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %a ",
    # Titles are personal: no statement, none of the rows that stand in an error's details, and no statement's error at
    # all, since its very message may quote a value (`invalid input syntax for type integer: "..."`). Whoever sent the
    # statement gets the error, and the store logs its type. What the server says of itself is LOG, FATAL or PANIC.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_ACCESS: Final = f"host all all {LOOPBACK}/32 scram-sha-256\n"


@dataclass(frozen=True)
class Postgres:
    """One cluster: where it is, who runs it, and the port it serves."""

    binaries: Path
    directory: Path
    account: Account | None
    port: int

    @classmethod
    def of(cls, directory: DataDirectory, binaries: Path, port: int) -> "Postgres":
        return cls(binaries, directory.postgres, directory.account, port)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def url(self, user: str, password: str, database: str, *, driver: str = "postgresql") -> str:
        """A connection string, e.g. `postgresql://user:password@127.0.0.1:5432/todo`."""
        return f"{driver}://{quote(user)}:{quote(password)}@{LOOPBACK}:{self.port}/{quote(database)}"

    async def initialise(self, passwords: Passwords) -> None:
        """Make the cluster, its users and its database where there is none; write the configuration anew.

        Raises StackError, or UnusableDirectoryError for the data of another major version.
        """
        version = self.data / "PG_VERSION"
        if not version.exists():
            await self._make_cluster(passwords)
        found = version.read_text().strip()
        if found != MAJOR_VERSION:
            raise UnusableDirectoryError(
                f"{self.data} is of PostgreSQL {found}, this is {MAJOR_VERSION}; choose another one with --data DIR"
            )
        lines = [f"{name} = '{value}'" for name, value in {**_SETTINGS, "port": str(self.port)}.items()]
        write_private(self.directory / "postgresql.conf", "\n".join(lines) + "\n", owner=self.account)
        write_private(self.directory / "pg_hba.conf", _ACCESS, owner=self.account)
        await self._predecessor_gone()

    async def set_passwords(self, passwords: Passwords) -> None:
        """Give the users of a cluster that nothing serves these passwords. Raises StackError."""
        await self._predecessor_gone()
        # As when they were made: without a server, and on no command line.
        roles = ((SUPERUSER, passwords.superuser), (STORE_USER, passwords.store))
        statements = tuple(f"ALTER ROLE {role} PASSWORD '{password}'" for role, password in roles)
        await self._run("postgres", "--single", "-D", str(self.data), "postgres", lines=statements)

    def command(self) -> Command:
        """`postgres` in the foreground. SIGINT stops it after a checkpoint, SIGQUIT at once, both without loss."""
        return Command(
            argv=(
                str(self.binaries / "postgres"),
                "-D",
                str(self.data),
                f"--config-file={self.directory / 'postgresql.conf'}",
                f"--hba-file={self.directory / 'pg_hba.conf'}",
            ),
            env=_environment(),
            account=self.account,
            ready_line=b"database system is ready to accept connections",
            stop_signal=signal.SIGINT,
            quit_signal=signal.SIGQUIT,
        )

    async def _make_cluster(self, passwords: Passwords) -> None:
        fresh, password_file = self.directory / "data.new", self.directory / "password"
        shutil.rmtree(fresh, ignore_errors=True)
        write_private(password_file, passwords.superuser + "\n", owner=self.account)
        try:
            await self._run(
                "initdb",
                "--pgdata",
                str(fresh),
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                # One order of text on every machine, whatever its C library knows.
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--data-checksums",
                "--no-instructions",
            )
        finally:
            password_file.unlink()
        # Without a server, and with the password on no command line. It is of A-Z a-z 0-9 - _: nothing to escape.
        statements = (
            f"CREATE ROLE {STORE_USER} LOGIN PASSWORD '{passwords.store}'",
            f"CREATE DATABASE {STORE_DATABASE} OWNER {STORE_USER}",
            f"REVOKE ALL ON DATABASE {STORE_DATABASE} FROM PUBLIC",
        )
        await self._run("postgres", "--single", "-D", str(fresh), "postgres", lines=statements)
        # Only a whole cluster gets the name under which it is looked for.
        fresh.rename(self.data)

    async def _run(self, program: str, *arguments: str, lines: tuple[str, ...] = ()) -> None:
        process = await asyncio.create_subprocess_exec(
            self.binaries / program,
            *arguments,
            env=_environment(),
            cwd="/",
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=bound_to_us(signal.SIGKILL),
            **(self.account.credentials if self.account else {}),
        )
        try:
            text = "".join(f"{line}\n" for line in lines).encode()
            output, _ = await asyncio.wait_for(process.communicate(text), INITDB_TIMEOUT_S)
        except TimeoutError as error:
            raise StackError(f"{program} did not end within {INITDB_TIMEOUT_S:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        said = output.decode(errors="replace")
        # A single-user server goes on after an error and ends with status 0.
        if process.returncode != 0 or (lines and ("ERROR:" in said or "FATAL:" in said)):
            raise StackError(f"{program} failed:\n{said[-2000:]}")

    async def _predecessor_gone(self) -> None:
        """A supervisor that was killed has its PostgreSQL end by itself; a new one must not start over it."""
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + PREDECESSOR_TIMEOUT_S
        while (pid := _first_number(pid_file)) is not None and _is_postgres(pid):
            if time.monotonic() > deadline:
                raise StackError(f"PostgreSQL (pid {pid}) of an earlier stack still serves {self.data}; stop it")
            await asyncio.sleep(0.02)
        # Its number may belong to another process by now, which PostgreSQL would take for itself.
        pid_file.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}


def _first_number(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().partition("\n")[0])
    except (FileNotFoundError, ValueError):
        return None


def _is_postgres(pid: int) -> bool:
    if sys.platform != "linux":
        return False  # there is no cheap way to tell; PostgreSQL's own check decides
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return False
