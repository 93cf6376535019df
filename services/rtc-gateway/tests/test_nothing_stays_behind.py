"""Peers that come and go leave no socket, no task and no object."""

import asyncio
import gc
import os
from collections import Counter
from collections.abc import Callable

import pytest
import uvloop
from aioice.ice import Connection
from aiortc import RTCPeerConnection, RTCSessionDescription

from rtc_gateway.addresses import rule_of
from rtc_gateway.aiortc_adapter import AiortcPeer, AiortcPeers, AiortcSettings
from rtc_gateway.aiortc_insides.gathering import PeerDatagrams

from .pair import Heard, new_page, offer_of, soon

AT_ONCE = 8
WARM_UP = 4
KINDS = (AiortcPeer, PeerDatagrams, RTCPeerConnection, Connection)


def alive() -> Counter[str]:
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, KINDS))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def come_and_go(peers: AiortcPeers, number: int) -> None:
    """One page and its peer; who ends it, and how, takes turns."""
    page, channel, _ = new_page()
    heard = Heard()
    peer = peers.create(heard.handlers)
    answer = await peer.accept(await offer_of(page))
    await page.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
    await soon(heard.opened.wait())
    match number % 3:
        case 0:
            peer.close()
        case 1:
            channel.close()
        case 2:
            pass  # the page closes its connection
    await page.close()
    await soon(heard.closed)


@pytest.mark.parametrize(
    ("loop", "connects"),
    [pytest.param(uvloop.new_event_loop, 200, id="uvloop"), pytest.param(asyncio.new_event_loop, 50, id="asyncio")],
)
def test_many_connections_leave_nothing(loop: Callable[[], asyncio.AbstractEventLoop], connects: int) -> None:
    async def scenario() -> None:
        peers = AiortcPeers(AiortcSettings(addresses=(rule_of("127.0.0.1"),)))
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with slots:
                await come_and_go(peers, number)

        async def many(count: int) -> None:
            async with asyncio.TaskGroup() as tasks:
                for number in range(count):
                    tasks.create_task(one(number))
            await soon(peers.close())

        await many(WARM_UP)
        before, tasks = (descriptors(), alive()), asyncio.all_tasks()
        await many(connects)
        if left := asyncio.all_tasks() - tasks:
            await soon(asyncio.wait(left))
        assert (descriptors(), alive()) == before

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scenario())
