"""`todo-agent forget`: has the store's own program erase an owner from the database of the stack that runs here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from contracts.tokens import owner_key
from local_stack import services
from local_stack.account import unprivileged
from local_stack.directory import DataDirectory, default_directory
from local_stack.errors import StackError
from local_stack.postgres import STORE_DRIVER

TIMEOUT_S: Final = 180.0
SAID_CHARS: Final = 2000


def forget(issuer: str, owner: str, data: Path | None) -> int:
    """Erase an owner and print the counts; the exit status. Raises StackError where no stack runs or it failed."""
    account = unprivileged()
    directory = DataDirectory(data or default_directory(os.environ, root=account is not None), account)
    url = _database_url(directory)
    # The environment of the service that owns the tables, and the URL in it rather than on a command line.
    env = {**services.inherited(os.environ, services.TODO_STORE), "DATABASE_URL": url}
    command = [sys.executable, "-m", "todo_store", "forget", owner_key(issuer, owner)]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, its argument made of a hash
            command, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StackError(f"forgetting did not end within {TIMEOUT_S:g} s; nothing is erased unless all is") from error
    if done.returncode != 0:
        raise StackError(f"forgetting failed, do it again:\n{done.stderr[-SAID_CHARS:]}")
    counts = json.loads(done.stdout)
    sys.stdout.write("erased " + ", ".join(f"{count} {kind}" for kind, count in counts.items()) + "\n")
    return 0


def _database_url(directory: DataDirectory) -> str:
    try:
        state = json.loads(directory.state.read_text(encoding="utf-8"))
        return str(state["database_url"]).replace("postgresql", STORE_DRIVER, 1)
    except FileNotFoundError as error:
        raise StackError(f"no stack runs in {directory.path}; start it, or name its directory with --data") from error
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"{directory.state} cannot be read; start the stack anew") from error
