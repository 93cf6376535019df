"""stdin and stdout belong to the protocol from the first line of the process on. Imports nothing that could print."""

import fcntl
import os
from typing import Final

_ABOVE_STANDARD: Final = 3


def claim() -> tuple[int, int]:
    """Take stdin and stdout for the wire, for good, and return descriptors of the two.

    From here on stdin is empty, and what this process or a child of it prints goes to stderr, also what `print` leaves
    in a buffer until the end. The SDK's transport gives stdout back before that.
    """
    incoming = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD)
    outgoing = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, _ABOVE_STANDARD)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # no stderr
        os.dup2(nothing, 1)
    os.close(nothing)
    return incoming, outgoing
