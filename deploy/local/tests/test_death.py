"""`kill -9` of a supervisor leaves no process behind, as root and as a user."""

import asyncio
import json
import os
import pwd
import signal
import sys
from pathlib import Path

import psutil
import pytest

from local_stack.temporary import temporary_directory

PROGRAM = Path(__file__).with_name("supervisor_to_kill.py")
ORDINARY_UID = pwd.getpwnam("nobody").pw_uid  # PostgreSQL wants a user with a name
BOUND_S = 10.0


def users() -> list[int]:
    """Root can be anybody; somebody else only themselves."""
    return [0, ORDINARY_UID] if os.geteuid() == 0 else [os.geteuid()]


async def gone(processes: list[psutil.Process]) -> None:
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):  # noqa: ASYNC110 - nobody tells us of a grandchild
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("uid", users())
async def test_kill_9_of_the_supervisor_leaves_nothing_behind(uid: int) -> None:
    with temporary_directory() as directory:
        data = directory.path / "data"
        data.mkdir()
        os.chown(data, uid, uid if os.geteuid() == 0 else -1)
        supervisor = await asyncio.create_subprocess_exec(
            sys.executable, PROGRAM, data, str(uid), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert supervisor.stdout is not None
            pids = json.loads(await asyncio.wait_for(supervisor.stdout.readline(), 30))
            children = [psutil.Process(pid) for pid in pids.values()]
            assert all(child.ppid() == supervisor.pid for child in children)
            if uid != 0:
                assert {child.uids().real for child in children} == {uid}
            everything = [process for child in children for process in (child, *child.children(recursive=True))]
            assert len(everything) > 3, "PostgreSQL runs several processes"
        finally:
            supervisor.send_signal(signal.SIGKILL)
            await supervisor.communicate()
        await asyncio.wait_for(gone(everything), BOUND_S)
