"""Crash points: places with a name where a test can have a process die as if by power loss."""

import os
import signal

CRASH_AT = "CRASH_AT"


def crash_point(name: str) -> None:
    """SIGKILL this process if the environment variable CRASH_AT is `name`. Otherwise nothing, at the cost of a look."""
    if os.environ.get(CRASH_AT) == name:
        os.kill(os.getpid(), signal.SIGKILL)
