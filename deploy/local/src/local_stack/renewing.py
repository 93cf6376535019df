"""`todo-agent renew`: other passwords for the servers of a stack that is stopped, and if asked other access tokens."""

import asyncio
import os
import sys
from pathlib import Path

from local_stack.account import unprivileged
from local_stack.binaries import usable
from local_stack.directory import default_directory, locked, prepare
from local_stack.passwords import renew as renewed
from local_stack.ports import free_port
from local_stack.postgres import Postgres


def renew(data: Path | None, *, tokens: bool) -> int:
    """Renew the passwords of a data directory; the exit status. Raises StackError. Where it dies, run it again."""
    account = unprivileged()
    directory = prepare(data or default_directory(os.environ, root=account is not None), account)
    with locked(directory):
        postgres = Postgres.of(directory, usable(directory).postgres, free_port())
        passwords = renewed(directory.secrets, tokens=tokens)
        # NATS reads its own from a configuration that each start writes; PostgreSQL keeps them.
        if postgres.data.exists():
            asyncio.run(postgres.set_passwords(passwords))
    sys.stdout.write("renewed: 'todo-agent up' starts with the new passwords\n")
    return 0
