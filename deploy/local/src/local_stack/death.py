"""A child that does not outlive us, however we die: prctl(2) with PR_SET_PDEATHSIG.

Linux only. Elsewhere children are stopped in order when we are told to stop, but not when we are killed.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_NOT_BOUND: Final = 125


def bound_to_us(number: signal.Signals) -> Callable[[], None] | None:
    """What the child must do before it becomes its program, so that the kernel sends it `number` when we die.

    Runs after the child has changed its user, since that undoes the request. The kernel watches the thread that made
    the child: call this, and start the child, on a thread that lives as long as the process.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def bind() -> None:
        if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
            os._exit(_NOT_BOUND)
        if os.getppid() != parent:
            # It died before the request was made: no signal will come.
            os.kill(os.getpid(), signal.SIGKILL)

    return bind
