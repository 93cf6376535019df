"""Ports on the loopback: which are taken, and which can be had."""

import errno
import random
import socket
from typing import Final

from local_stack.errors import StackError

LOOPBACK: Final = "127.0.0.1"
# Below the range from which Linux and macOS take the ports of outgoing connections, so that none of those can slip in
# between our choice and the server's bind.
_OURS: Final = range(20_000, 32_000)
_TRIES: Final = 100


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on. Raises StackError when none is found."""
    for _ in range(_TRIES):
        port = random.choice(_OURS)  # noqa: S311 - spread, not secrecy
        if _can_bind(socket.AF_INET, LOOPBACK, port):
            return port
    raise StackError(f"no free port found on {LOOPBACK} between {_OURS.start} and {_OURS.stop - 1}")


def require_free(port: int) -> None:
    """Raise StackError when `port` is taken.

    Also on ::1, which `localhost` may mean: a development server there would get the browser's requests.
    """
    if not (_can_bind(socket.AF_INET, LOOPBACK, port) and _can_bind(socket.AF_INET6, "::1", port)):
        raise StackError(f"port {port} is taken by another program; stop that one, or choose another with --port")


def _can_bind(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: the remains of closed connections do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        if error.errno == errno.EACCES:
            raise StackError(
                f"port {port} may not be used by this user; choose one from 1024 on with --port"
            ) from error
        # No such address or family: a machine without IPv6.
        return family == socket.AF_INET6
    return True
