"""The processes of a running stack: which gateway has a session, and when one that was ended is back."""

import asyncio
from contextlib import suppress

import httpx
import psutil

from local_stack.temporary import RunningStack

from ..chaos.killer import children

AGAIN_S = 30.0
LOOK_EVERY_S = 0.05


def named(stack: RunningStack, *services: str) -> dict[str, psutil.Process]:
    """By name, `agent-1`, those of these services that run."""
    found = children(psutil.Process(stack.pid))
    return {name: process for name, process in found if name in services or name.rpartition("-")[0] in services}


def holder(stack: RunningStack, address: tuple[str, int]) -> tuple[str, psutil.Process] | None:
    """The gateway that a channel leads to: the one with that socket. None once it is gone."""
    for name, process in named(stack, "rtc-gateway").items():
        with suppress(psutil.Error):  # it was killed
            if any(tuple(one.laddr) == address for one in process.net_connections(kind="udp")):
                return name, process
    return None


def holding(stack: RunningStack, address: tuple[str, int]) -> tuple[str, psutil.Process]:
    """As `holder`, of a gateway that lives."""
    found = holder(stack, address)
    assert found is not None, f"no gateway has the socket {address}"
    return found


async def until_back(stack: RunningStack, name: str, than: psutil.Process) -> None:
    """Until another process of that name is ready. Nobody tells of it, so it is looked for."""

    async def ready() -> bool:
        process = named(stack, name).get(name)
        if process is None or process.pid == than.pid:
            return False
        try:
            port = process.environ()["HTTP_PORT"]
            return (await http.get(f"http://127.0.0.1:{port}/readyz")).is_success
        except (httpx.TransportError, psutil.Error, KeyError):
            return False

    async with httpx.AsyncClient(timeout=AGAIN_S, trust_env=False) as http, asyncio.timeout(AGAIN_S):
        while True:
            if await ready():
                return
            await asyncio.sleep(LOOK_EVERY_S)
