"""Who the servers run as: PostgreSQL refuses to run as root, and neither server needs to be it."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from local_stack.errors import StackError

NOBODY: Final = "nobody"


class Credentials(TypedDict, total=False):
    """The arguments of subprocess.Popen that change who runs a child."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def credentials(self) -> Credentials:
        """What to give to subprocess.Popen. No group of root's is kept."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def unprivileged() -> Account | None:
    """The account for the servers: nobody when we are root, None (ourselves) otherwise. Raises StackError."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NOBODY)
    except KeyError as error:
        raise StackError(f"root cannot run the servers itself, and this machine has no user {NOBODY}") from error
    return Account(NOBODY, entry.pw_uid, entry.pw_gid)


def can_enter(account: Account, directory: Path) -> bool:
    """Whether `account` can reach `directory`, asked of the kernel: modes alone do not tell of ACLs and mounts.

    Raises StackError where root may not become that user, as in some containers.
    """
    try:
        probe = subprocess.run(  # noqa: S603 - the shell gets the path as an argument, not as text
            ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(directory)],
            check=False,
            stderr=subprocess.DEVNULL,
            timeout=10,
            **account.credentials,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StackError(f"root may not run programs as {account.name} here; start as an ordinary user") from error
    return probe.returncode == 0
