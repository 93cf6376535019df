"""Ports and addresses of this machine: which are taken, which can be had, and what others call them."""

import errno
import random
import socket
from typing import Final

from local_stack.errors import StackError

LOOPBACK: Final = "127.0.0.1"
ALL_IPV4: Final = "0.0.0.0"  # noqa: S104 - a name for it; whoever may listen there has been asked who enters
ALL_IPV6: Final = "::"
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


def probed(listen: str) -> str:
    """The address by which this machine itself reaches what listens on `listen`."""
    return {ALL_IPV4: LOOPBACK, ALL_IPV6: "::1"}.get(listen, listen)


def host_of(address: str) -> str:
    """An address as it stands in a URL; what `localhost` reaches as well is called that."""
    if address in {LOOPBACK, ALL_IPV4, ALL_IPV6}:
        return "localhost"
    return f"[{address}]" if ":" in address else address


def outward_address(listen: str) -> str:
    """The address by which others are likeliest to reach what listens on `listen`. Sends nothing."""
    if listen not in {ALL_IPV4, ALL_IPV6}:
        return listen
    # Of a range that nobody has (RFC 5737, RFC 3849): only which way it would go is asked for.
    family, outside = (socket.AF_INET6, "2001:db8::1") if listen == ALL_IPV6 else (socket.AF_INET, "192.0.2.1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((outside, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return listen


def require_free(port: int, listen: str = LOOPBACK) -> None:
    """Raise StackError when `port` is taken on `listen`, or `listen` is not an address of this machine.

    Also on ::1, which `localhost` may mean: a development server there would get the browser's requests.
    """
    wanted = {listen, LOOPBACK, "::1"} if host_of(listen) == "localhost" else {listen}
    families = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in sorted(wanted)}
    if not _is_own(families[listen], listen):
        raise StackError(f"--listen {listen} is not an address of this machine; give one that is, or 0.0.0.0 for all")
    if not all(_can_bind(family, address, port) for address, family in families.items()):
        raise StackError(f"port {port} is taken by another program; stop that one, or choose another with --port")


def _is_own(family: socket.AddressFamily, host: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


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
