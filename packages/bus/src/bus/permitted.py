"""What the server says this user may do, beside what its service needs.

A forbidden publish is told by an asynchronous error alone, and only when it is tried, so it is asked for at the start.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from bus.connection import Connection
from bus.errors import BusPermissionError, UnavailableError
from bus.matching import covers
from contracts.permissions import OWN_PERMISSIONS, Permissions

ANSWER_TIMEOUT_S: Final = 5.0


def permits(held: str, wanted: str) -> bool:
    """Whether one entry allows another. Either may end in a queue's name; one without it allows any."""
    held_subject, _, held_queue = held.partition(" ")
    subject, _, queue = wanted.partition(" ")
    return held_queue in {"", queue} and covers(held_subject, subject)


def lacking(needs: Permissions, held: dict[str, Any] | None) -> tuple[str, ...]:
    """What is needed and not held, as `publish evt.todo.*.changed`. `held` is the server's word, None for no limits."""
    if held is None:
        return ()
    missing = [f"publish {wanted}" for wanted in _missing(needs.publish, held.get("publish"))]
    inbox = f"{needs.inbox_prefix}.>"
    missing += [f"subscribe {wanted}" for wanted in _missing((*needs.subscribe, inbox), held.get("subscribe"))]
    if needs.responses > int((held.get("responses") or {}).get("max", 0)):
        missing.append(f"{needs.responses} responses")
    return tuple(missing)


def _missing(wanted: Iterable[str], held: dict[str, list[str]] | None) -> list[str]:
    if held is None:
        return list[str]()
    allow, deny = held.get("allow"), held.get("deny") or ()
    return [
        subject
        for subject in wanted
        if not (allow is None or any(permits(pattern, subject) for pattern in allow))
        or any(permits(pattern, subject) or permits(subject, pattern) for pattern in deny)
    ]


async def check(connection: Connection, needs: Permissions) -> None:
    """Raises BusPermissionError, which names what is lacking, or UnavailableError when the server does not say."""
    try:
        answer = await connection.client.request(OWN_PERMISSIONS, b"", timeout=ANSWER_TIMEOUT_S)
    except NoRespondersError as error:
        raise UnavailableError(
            "the bus does not tell what its user may do; it needs nats-server 2.10 or newer"
        ) from error
    except (NatsError, TimeoutError) as error:
        if connection.refused_publishes:
            raise BusPermissionError(f"the bus user {needs.user} may not publish to {OWN_PERMISSIONS}") from error
        raise UnavailableError("the bus does not answer") from error
    missing = lacking(needs, json.loads(answer.data)["data"].get("permissions"))
    if missing:
        raise BusPermissionError(f"the bus user {needs.user} lacks: {', '.join(missing)}")
