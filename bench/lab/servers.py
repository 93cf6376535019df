"""Our whole stack in the server's namespace, and further signaling processes of it with other ICE settings."""

import asyncio
import hmac
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.lab import rules
from bench.lab.coturn import Secrets
from bench.lab.forwarder import forwarded
from bench.lab.namespace import LabError
from bench.lab.network import Network
from contracts.permissions import SIGNALING
from local_stack.death import bound_to_us
from local_stack.directory import DataDirectory
from local_stack.passwords import load_or_make
from local_stack.ports import LOOPBACK, free_port
from local_stack.readiness import until_ready
from local_stack.temporary import RunningStack, running_stack

PAGE: Final = Path(__file__).parents[2] / "web" / "dist"
START_TIMEOUT_S: Final = 20.0
STOP_TIMEOUT_S: Final = 10.0

STUN_URL: Final = f"stun:{rules.TURN_PUBLIC}:{rules.STUN_PORT}"
TURN_UDP: Final = f"turn:{rules.TURN_PUBLIC}:{rules.STUN_PORT}?transport=udp"
TURN_TCP: Final = f"turn:{rules.TURN_PUBLIC}:{rules.STUN_PORT}?transport=tcp"
TURN_TLS: Final = f"turns:{rules.TURN_PUBLIC}:{rules.PUBLISHED_TLS_PORT}?transport=tcp"
EVERY_TURN: Final = (TURN_UDP, TURN_TCP, TURN_TLS)

LATE: Final = """
from signaling import turn_credentials
mint = turn_credentials.mint
turn_credentials.mint = lambda *given, now, **named: mint(*given, now=now - 3600, **named)
from signaling.__main__ import main
main()
"""
"""Signaling whose TURN credentials have expired when they are made: they are dated by a clock an hour behind."""


def ice_settings(secret: str, turn_urls: tuple[str, ...] = EVERY_TURN, stun_url: str = STUN_URL) -> dict[str, str]:
    """What an operator sets for signaling."""
    return {"STUN_URLS": stun_url, "TURN_URLS": ",".join(turn_urls), "TURN_SECRET": secret}


def credentials(secret: str, user: str, *, ttl_s: int = 600) -> tuple[str, str]:
    """A user name and its password, as signaling makes them (draft-uberti-behave-turn-rest-00)."""
    username = f"{int(time.time()) + ttl_s}:{user}"
    digest = hmac.digest(secret.encode(), username.encode(), "sha1")
    return username, b64encode(digest).decode()


@asynccontextmanager
async def stack_in(network: Network, directory: DataDirectory, shared: Secrets) -> AsyncIterator[RunningStack]:
    """`todo-agent up` with the stand-in model on the server; `url` holds for the client, too."""
    environ = {**ice_settings(shared.now), "ICE_ADDRESSES": f"{rules.GATEWAY_PUBLIC},{rules.GATEWAY_PRIVATE}"}
    arguments = ("--standin", "--page", str(PAGE))
    launcher = network.server.command()
    async with (
        running_stack(directory, *arguments, environ=environ, launcher=launcher) as stack,
        forwarded(network.client, network.server, int(stack.url.rpartition(":")[2])),
    ):
        yield stack


@asynccontextmanager
async def signaling_beside(
    network: Network, stack: RunningStack, environ: Mapping[str, str], *, program: str | None = None
) -> AsyncIterator[str]:
    """One more signaling of the stack with settings of its own; yields the page's address for the client.

    `program` is Python that runs it, where the module alone is not enough.
    """
    port = free_port()
    settings = {
        "NATS_URL": json.loads((stack.data / "stack.json").read_text())["nats_url"],
        "NATS_USER": SIGNALING.user,
        "NATS_PASSWORD": load_or_make(stack.data / "secrets.json").bus[SIGNALING.user],
        "HTTP_HOST": LOOPBACK,
        "HTTP_PORT": str(port),
        "INSTANCE": f"signaling-{port}",
        "PAGE_DIR": str(PAGE),
    }
    log = stack.data / "logs" / f"signaling-{port}.log"
    run = ("-m", "signaling") if program is None else ("-c", program)
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *network.server.command(sys.executable, *run),
            env={**os.environ, **settings, **environ},
            stdin=DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=bound_to_us(signal.SIGKILL),
        )
    try:
        async with forwarded(network.client, network.server, port):
            await _until_ready(network, port, log)
            yield f"http://localhost:{port}"
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _until_ready(network: Network, port: int, log: Path) -> None:
    """Ask `/readyz` on a thread inside of the namespace. Raises LabError with the end of its log."""

    def wait() -> None:
        asyncio.run(asyncio.wait_for(until_ready(LOOPBACK, port, "/readyz"), START_TIMEOUT_S))

    try:
        await asyncio.to_thread(network.server.inside, wait)
    except TimeoutError as error:
        raise LabError(f"signaling did not come up:\n{log.read_text(errors='replace')[-2000:]}") from error
