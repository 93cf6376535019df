"""The services of the stack as data: how many of each, what each is told, and what each may know.

A service's environment holds its own secrets only. What the caller's environment says beyond that (`OTEL_*`,
`LOG_LEVEL` and the services' own settings) is passed on.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from local_stack.child import Command
from local_stack.command_line import SCALABLE, TOKEN_VARIABLE
from local_stack.keeper import Kept, Start
from local_stack.ports import LOOPBACK, free_port, probed

SIGNALING: Final = "signaling"
RTC_GATEWAY: Final = "rtc-gateway"
AGENT: Final = "agent"
TODO_STORE: Final = "todo-store"
STANDIN: Final = "standin"
MCP_BRIDGE: Final = "mcp-bridge"

# The order of stopping: doors first, then what they ask, then what that stands on.
STAGES: Final[Mapping[str, int]] = {SIGNALING: 0, RTC_GATEWAY: 0, AGENT: 1, TODO_STORE: 2, STANDIN: 2}
STAGE_NATS: Final = 3
STAGE_POSTGRES: Final = 4

_OURS: Final = frozenset(
    {
        "NATS_URL",
        "NATS_USER",
        "NATS_PASSWORD",
        "DATABASE_URL",
        "HTTP_HOST",
        "HTTP_PORT",
        "METRICS_HOST",
        "METRICS_PORT",
        "INSTANCE",
        "MODEL_URL",
        "PAGE_DIR",
        "CRASH_AT",
    }
)

_DOORS: Final = frozenset({SIGNALING})
_SECRETS_OF: Final[Mapping[str, frozenset[str]]] = {
    "MODEL_API_KEY": frozenset({AGENT}),
    "TURN_SECRET": frozenset({SIGNALING}),
    "AUTH_SECRET": _DOORS,
    "AUTH_JWKS_URL": _DOORS,
    "AUTH_ISSUER": _DOORS,
    "AUTH_AUDIENCE": _DOORS,
    # The command line's own: no service is anybody.
    TOKEN_VARIABLE: frozenset(),
}


@dataclass(frozen=True)
class Surroundings:
    """What the services find: addresses, passwords, the caller's environment.

    `listen` is where the page is served, `entering` what signaling is told of who may enter.
    """

    nats_url: str
    nats_passwords: Mapping[str, str] = field(repr=False)
    database_url: str = field(repr=False)
    port: int
    page: Path | None
    environ: Mapping[str, str] = field(repr=False)
    model_url: str | None = None
    listen: str = LOOPBACK
    entering: Mapping[str, str] = field(default_factory=dict, repr=False)


def inherited(environ: Mapping[str, str], service: str) -> dict[str, str]:
    """The caller's environment without what only we may say, and without the secrets of other services."""
    passed = {
        name: value
        for name, value in environ.items()
        if name not in _OURS and service in _SECRETS_OF.get(name, {service})
    }
    return {**passed, "PYTHONUNBUFFERED": "1"}


def instances(service: str, count: int, around: Surroundings) -> Iterator[Kept]:
    """The processes of one service, named `agent-1`, `agent-2`, ... or by the service where there is only ever one."""
    for number in range(1, count + 1):
        name = f"{service}-{number}" if service in SCALABLE else service
        # The same at each start: whoever scrapes it was told once.
        metrics_port = free_port()
        yield Kept(
            name=name,
            stage=STAGES[service],
            command=partial(_command, service, name, metrics_port, around),
            http_port=around.port if service == SIGNALING else None,
            http_host=probed(around.listen) if service == SIGNALING else LOOPBACK,
            metrics_port=metrics_port,
            job=service,
        )


def _command(service: str, name: str, metrics_port: int, around: Surroundings, start: Start) -> Command:
    env = {
        **inherited(around.environ, service),
        "NATS_URL": around.nats_url,
        "NATS_USER": service,
        "NATS_PASSWORD": around.nats_passwords[service],
        "HTTP_HOST": around.listen if service == SIGNALING else LOOPBACK,
        "HTTP_PORT": str(start.http_port),
        "METRICS_HOST": LOOPBACK,
        "METRICS_PORT": str(metrics_port),
        "INSTANCE": name,
        **_own_settings(service, around),
    }
    point = crash_point_of(around.environ.get("CRASH_AT", ""), service, name)
    if point and start.first:
        # Not a second time, or a test of what happens after a crash would never see its end.
        env["CRASH_AT"] = point
    return Command(argv=(sys.executable, "-m", service.replace("-", "_")), env=env)


def _own_settings(service: str, around: Surroundings) -> dict[str, str]:
    if service == TODO_STORE:
        return {"DATABASE_URL": around.database_url}
    if service == RTC_GATEWAY:
        # Pages are given time to move to another gateway; when this stack stops there is none.
        return {"DRAIN_S": around.environ.get("DRAIN_S", "0")}
    if service == AGENT and around.model_url is not None:
        return {"MODEL_URL": around.model_url}
    if service == SIGNALING:
        return {**around.entering, **({"PAGE_DIR": str(around.page)} if around.page is not None else {})}
    return {}


def standin(port: int, environ: Mapping[str, str]) -> Kept:
    """The stand-in model server on a port that stays the same, since the agent was told it."""

    def command(start: Start) -> Command:
        arguments = ("--host", LOOPBACK, "--port", str(start.http_port))
        return Command(argv=(sys.executable, "-m", "standin", *arguments), env=inherited(environ, STANDIN))

    return Kept(STANDIN, STAGES[STANDIN], command, ready_path="/v1/models", http_port=port)


def migration(around: Surroundings) -> Command:
    """The step that brings the database's tables up to date."""
    env = {**inherited(around.environ, TODO_STORE), "DATABASE_URL": around.database_url}
    return Command(argv=(sys.executable, "-m", "todo_store", "migrate"), env=env)


def crash_point_of(wanted: str, service: str, name: str) -> str | None:
    """The crash point meant for this process by `CRASH_AT`: `point` for all, or `agent:point`, or `agent-2:point`.

    Several may be given with commas between; the first that is meant for a process counts.
    """
    for one in wanted.split(","):
        target, colon, point = one.partition(":")
        if not colon and one:
            return one
        if colon and target in {service, name}:
            return point
    return None
