"""The rule of exposure: what asks for no token is reached from its own machine only. Pure."""

import ipaddress
from typing import Final

ADVICE: Final = "set AUTH_SECRET or AUTH_JWKS_URL"


def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own, for whoever uses it."""
    name = host.lower().removeprefix("[").removesuffix("]")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 section 6.3
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def published_on_loopback(mapping: str) -> bool:
    """Whether a container's port mapping, as compose writes it (`127.0.0.1:5173:8080`), names a loopback address.

    Several stand with commas between. A mapping without an address (`5173:8080`) is published on all of them.
    """
    return all(_is_on_loopback(one.strip()) for one in mapping.split(","))


def _is_on_loopback(mapping: str) -> bool:
    parts = mapping.partition("/")[0].rsplit(":", 2)
    return len(parts) == 3 and is_loopback(parts[0])


def exposed(host: str, published_on: str | None) -> str | None:
    """Why a service that asks for no token may not listen on `host`: which value, and what to do. None where it may."""
    if is_loopback(host):
        return None
    if published_on is None:
        return (
            f"is {host}, which others can reach, and nobody is asked for a token; {ADVICE}, or use 127.0.0.1; in a "
            "container that is published on a loopback address alone, say so, as PUBLISHED_ON=127.0.0.1:5173:8080"
        )
    if not published_on_loopback(published_on):
        return (
            f"is {host} and PUBLISHED_ON is {published_on}, which others can reach, and nobody is asked for a token; "
            f"{ADVICE}, or publish on a loopback address alone, such as 127.0.0.1:5173:8080"
        )
    return None
