"""Run by test_death: starts real servers and a service as a supervisor does, says their pids, and waits to be killed.

`python supervisor_to_kill.py DIR UID`: with UID other than 0 it becomes that user first. After its imports, since that
user may not be able to read this interpreter's files.
"""

import asyncio
import encodings.idna
import json
import os
import sys
from pathlib import Path

from local_stack.account import unprivileged
from local_stack.binaries import usable
from local_stack.child import Child, Command
from local_stack.directory import prepare
from local_stack.journal import Journal
from local_stack.nats import Nats
from local_stack.passwords import load_or_make
from local_stack.ports import free_port
from local_stack.postgres import Postgres

_ = encodings.idna


async def main(path: Path) -> None:
    directory = prepare(path, unprivileged())
    binaries, passwords = usable(directory), load_or_make(directory.secrets)
    postgres = Postgres.of(directory, binaries.postgres, free_port())
    nats = Nats.of(directory, binaries.nats_server, free_port())
    await postgres.initialise(passwords)
    nats.configure(passwords.bus)
    service = Command(argv=("/bin/sleep", "1000"), env={})
    commands = {"postgres": postgres.command(), "nats": nats.command(), "service": service}
    children = [
        await Child.start(name, command, Journal(directory.logs / f"{name}.log")) for name, command in commands.items()
    ]
    for child in children[:2]:
        await child.serving(timeout=30)
    sys.stdout.write(json.dumps({child.name: child.pid for child in children}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uid = int(sys.argv[2])
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    asyncio.run(main(Path(sys.argv[1])))
