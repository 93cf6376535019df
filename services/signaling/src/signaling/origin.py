"""Which pages may open the socket: browsers let any page try, and name it in Origin (RFC 6455 section 10.2). Pure."""

from collections.abc import Sequence, Set
from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def permitted(origins: Sequence[str], host: str | None, allowed: Set[str]) -> bool:
    """Whether a handshake may go on.

    `origins` holds the request's Origin headers: none, from a client that is no browser, is fine; `host` is its Host.
    `allowed` holds further origins, like `https://todo.example`.
    """
    if not origins:
        return True
    if len(origins) > 1:
        return False
    origin = origins[0].lower()
    return origin in allowed or _is_of(origin, host)


def _is_of(origin: str, host: str | None) -> bool:
    try:
        page = urlsplit(origin)
        server = urlsplit(f"//{(host or '').lower()}")
        default = _DEFAULT_PORTS.get(page.scheme)
        if default is None or page.hostname is None or page.username is not None or page.path:
            return False
        return (page.hostname, page.port or default) == (server.hostname, server.port or default)
    except ValueError:
        return False
