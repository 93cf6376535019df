"""The data directory: where it is, what stands in it, whether it can be used, and that one stack has it at a time.

secrets.json  passwords, for the owner alone      postgres/  the cluster and its configuration
stack.json    what runs now                       nats/      streams and configuration
mcp.json      the same for `todo-agent mcp`: with one password, not with all of them
metrics.json  where the processes are scraped, for Prometheus' file_sd_configs
lock          held by the supervisor              logs/      one file a process
runtime/      binaries, where the installed ones cannot be reached by an unprivileged user
todo-agent    says that the directory is ours: nothing is ever put among files of somebody else's
"""

import errno
import fcntl
import json
import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_stack.account import Account, can_enter
from local_stack.errors import StackError, UnusableDirectoryError

SYSTEM_DIRECTORY: Final = Path("/var/lib/todo-agent")
ADVICE: Final = "choose another one with --data DIR"
MARKER: Final = "todo-agent"
_MARKER_TEXT: Final = "This directory holds the data of a todo-agent stack.\n"
_OF_THE_FILE_SYSTEM: Final = frozenset({"lost+found"})


@dataclass(frozen=True)
class DataDirectory:
    """A directory that was checked. `account` is who the servers in it run as, None for ourselves."""

    path: Path
    account: Account | None

    @property
    def secrets(self) -> Path:
        return self.path / "secrets.json"

    @property
    def state(self) -> Path:
        return self.path / "stack.json"

    @property
    def mcp(self) -> Path:
        return self.path / "mcp.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.json"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def nats(self) -> Path:
        return self.path / "nats"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def runtime(self) -> Path:
        return self.path / "runtime"


def default_directory(environ: Mapping[str, str], *, root: bool) -> Path:
    """Where data goes without --data: the XDG data home of a user, /var/lib for root."""
    if root:
        return SYSTEM_DIRECTORY
    home = environ.get("XDG_DATA_HOME")
    return (Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "share") / "todo-agent"


def prepare(path: Path, account: Account | None) -> DataDirectory:
    """Make `path` ready for a stack. Raises UnusableDirectoryError with one line that says what is wrong."""
    directory = DataDirectory(path.absolute(), account)
    try:
        if not directory.path.exists():
            directory.path.mkdir(mode=0o700, parents=True)
            if account is not None:
                # To pass through, whatever root's umask says; what is inside stays closed.
                directory.path.chmod(0o711)
        if not directory.path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "not a directory", str(directory.path))
        if not os.access(directory.path, os.R_OK | os.W_OK | os.X_OK):
            raise UnusableDirectoryError(f"{directory.path} cannot be written by this user; {ADVICE}")
        if account is not None and not can_enter(account, directory.path):
            raise UnusableDirectoryError(
                f"{directory.path} cannot be reached by the user {account.name}, which PostgreSQL and NATS run as "
                f"when root starts them; open its parents for passing (chmod o+x), or {ADVICE}"
            )
        _require_ours(directory)
        _make(directory.logs, None)
        for owned in (directory.postgres, directory.nats):
            _make(owned, account)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "it cannot be used"
        raise UnusableDirectoryError(f"{error.filename or directory.path}: {reason}; {ADVICE}") from error
    return directory


def _require_ours(directory: DataDirectory) -> None:
    """Mark an empty directory as ours; refuse one with other people's files in it before anything is written."""
    marker = directory.path / MARKER
    if marker.is_file():
        return
    found = {entry.name for entry in directory.path.iterdir()} - _OF_THE_FILE_SYSTEM
    # Earlier versions left no marker.
    if found and not {"secrets.json", "postgres", "nats"} <= found:
        raise UnusableDirectoryError(f"{directory.path} is not empty and holds no data of a stack; {ADVICE}")
    marker.write_text(_MARKER_TEXT, encoding="utf-8")


def _make(path: Path, account: Account | None) -> None:
    wanted = account.uid if account else os.geteuid()
    if not path.exists():
        path.mkdir(mode=0o700)
        if account is not None:
            os.chown(path, account.uid, account.gid)
    owner = path.stat().st_uid
    if owner != wanted:
        raise UnusableDirectoryError(
            f"{path} belongs to the user {_name(owner)}, not to {_name(wanted)}: the stack was first started by "
            f"somebody else; start it as before, or {ADVICE}"
        )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def running_url(path: Path) -> str | None:
    """Where the stack with its data in `path` serves its page; None unless one runs there that is ours."""
    try:
        state = json.loads((path / "stack.json").read_text(encoding="utf-8"))
        os.kill(state["pid"], 0)  # what was killed leaves its state behind
    except (OSError, ValueError, KeyError, TypeError):
        return None
    url = state.get("url")
    return url if isinstance(url, str) else None


@contextmanager
def locked(directory: DataDirectory) -> Iterator[None]:
    """Hold the directory for the length of the block. Raises StackError, naming the pid, when another stack has it.

    The kernel lets go of the lock when we die, however we die.
    """
    with (directory.path / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            raise StackError(
                f"{directory.path} is in use by another stack (pid {holder}); stop that one, or {ADVICE}"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
