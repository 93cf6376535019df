"""Network namespaces that carry the name of the run that made them, so that what a killed run left can be removed.

A namespace belongs to a thread: a socket stays in the one where it was made, so ours are made on threads of their own
and used from anywhere.
"""

import ctypes
import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

PREFIX: Final = "todolab"
DIRECTORY: Final = Path("/run/netns")
COMMAND_TIMEOUT_S: Final = 10.0
CLONE_NEWNET: Final = 0x40000000

ResultT = TypeVar("ResultT")


class LabError(Exception):
    """The laboratory could not be set up: which command, and what it said."""


@dataclass(frozen=True)
class Namespace:
    """One of /run/netns. What is done in it is done by this process or by a program started through `command`."""

    name: str

    @property
    def path(self) -> Path:
        return DIRECTORY / self.name

    def command(self, *argv: str) -> tuple[str, ...]:
        """A command line that runs `argv` in here. It becomes that program: the process id is the program's."""
        return ("nsenter", f"--net={self.path}", *argv)

    def inside(self, act: Callable[[], ResultT]) -> ResultT:
        """Call `act` on a thread that is in this namespace, and return what it returns."""
        results: list[ResultT] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                _enter(self.path)
                results.append(act())
            except BaseException as error:  # noqa: BLE001 - raised again below, where the caller is
                errors.append(error)

        thread = threading.Thread(target=work, name=f"in {self.name}")
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def socket(self, kind: socket.SocketKind, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
        """A socket that sends and receives in here."""
        return self.inside(lambda: socket.socket(family, kind))

    def ip(self, *arguments: str) -> None:
        """`ip` in here. Raises LabError."""
        run("ip", "-n", self.name, *arguments)

    def sysctl(self, name: str, value: str) -> None:
        """Set `net.` + name, with dots between."""
        path = Path("/proc/sys/net", *name.split("."))
        self.inside(lambda: path.write_text(value))

    def nft(self, rules: str) -> None:
        """Load rules in one transaction. Raises LabError."""
        run(*self.command("nft", "-f", "-"), given=rules)

    def counters(self, table: str) -> dict[str, int]:
        """Packets by the name of the counter, of an inet table."""
        said = run(*self.command("nft", "-j", "list", "counters", "table", "inet", table))
        entries: list[dict[str, Any]] = json.loads(said)["nftables"]
        return {entry["counter"]["name"]: entry["counter"]["packets"] for entry in entries if "counter" in entry}


def add(role: str) -> Namespace:
    """Make a namespace for a role of this run. Raises LabError."""
    namespace = Namespace(f"{PREFIX}-{os.getpid()}-{_started_at(os.getpid())}-{role}")
    run("ip", "netns", "add", namespace.name)
    namespace.ip("link", "set", "lo", "up")
    return namespace


def remove(namespace: Namespace) -> None:
    """Remove it; its links and rules go when the last process in it has ended."""
    run("ip", "netns", "delete", namespace.name)


def sweep() -> list[str]:
    """Remove what runs that are no longer alive left behind; the names."""
    names = [path.name for path in DIRECTORY.glob(f"{PREFIX}-*")] if DIRECTORY.exists() else []
    stale = [name for name in names if not _is_alive(name)]
    for name in stale:
        remove(Namespace(name))
    return stale


def run(*argv: str, given: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Run a program that takes a moment, and return what it wrote. `environ` is added to ours. Raises LabError."""
    done = subprocess.run(
        argv,
        check=False,
        input=given,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
    )
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _is_alive(name: str) -> bool:
    """Whether the run that made it lives: its process id alone may be somebody else's by now."""
    _, pid, started_at, *_ = f"{name}---".split("-")
    return pid.isdigit() and _started_at(int(pid)) == started_at


def _started_at(pid: int) -> str:
    """Field 22 of proc_pid_stat(5), in clock ticks since boot; empty for a process that is not there."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def _enter(path: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with path.open("rb") as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise LabError(f"cannot enter {path}: {os.strerror(number)}")
