#!/usr/bin/env python3
"""Runs a service and starts it again when its source changes: what `uvicorn --reload` is to a web app.

    python deploy/dev/reload.py MODULE [ARGUMENT...]

What is on PYTHONPATH is watched, by looking: folders of the machine that are mounted into a container pass no events on
everywhere. A service that ends by itself is started again at the next change. Nothing but the standard library, since
it runs in images that hold a service's own dependencies alone.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 0.5
DRAIN_S: Final = 3.0
"""For a service to end what it has begun; after that it is told a second time, which has it end at once."""
FORCED_S: Final = 3.0

Seen = dict[str, int]
"""When each file was changed, in ns."""


def main(argv: Sequence[str]) -> int:
    """Run until told to stop; the exit status of the service then."""
    if not argv:
        sys.stderr.write("usage: reload.py MODULE [ARGUMENT...]\n")
        return 2
    folders = [Path(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    if not folders:
        sys.stderr.write("reload.py: PYTHONPATH names no folder to watch\n")
        return 2
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    seen = look(folders)
    process = started(argv)
    while not stopping:
        time.sleep(LOOK_EVERY_S)
        now = look(folders)
        if now != seen:
            changed = sorted(name for name in now.keys() | seen.keys() if now.get(name) != seen.get(name))
            seen = now
            sys.stderr.write(f"reload.py: {changed[0]} changed, {len(changed)} in all; starting {argv[0]} again\n")
            ended(process)
            process = started(argv)
    return ended(process)


def look(folders: Sequence[Path]) -> Seen:
    """Every Python file below the folders."""
    return {name: changed for folder in folders for name, changed in _files(str(folder))}


def _files(folder: str) -> Iterator[tuple[str, int]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:  # gone since it was listed
        return
    for entry in entries:
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry.path)
        elif entry.name.endswith(".py"):
            try:
                yield entry.path, entry.stat().st_mtime_ns
            except OSError:  # an editor writes beside the file and renames
                continue


def started(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", *argv])  # noqa: S603 - what its caller says


def ended(process: subprocess.Popen[bytes]) -> int:
    """Stop it, at first as an orchestrator would. Its exit status."""
    for wait_s in (DRAIN_S, FORCED_S):
        if process.poll() is not None:
            return process.returncode
        process.terminate()
        try:
            return process.wait(wait_s)
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
