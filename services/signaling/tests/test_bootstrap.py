"""The real parts joined: signaling on a real NATS server, which holds it to its permissions."""

import asyncio
from contextlib import AsyncExitStack

from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.gateway import AddCandidate, Done, OpenPeer, PeerOpened
from contracts.message import ErrorCode
from runtime.http import application, serving
from signaling.bootstrap import start
from signaling.settings import Settings

from .stack import Stack


async def test_it_reaches_a_gateway_over_nats_and_tells_its_clients_when_it_goes(nats_server, tmp_path):
    settings = Settings(nats_url=nats_server.url, nats_password=nats_server.passwords["signaling"], page_dir=tmp_path)
    as_gateway = nats_server.bus_settings("rtc-gateway")
    candidates: asyncio.Queue[AddCandidate] = asyncio.Queue()

    async def answer(offer: OpenPeer) -> PeerOpened:
        return PeerOpened(instance="gw-1", sdp=f"answer to {offer.sdp}")

    async def take(candidate: AddCandidate) -> Done:
        await candidates.put(candidate)
        return Done()

    async with AsyncExitStack() as started:
        running = await started.enter_async_context(start(settings))
        async with serving("127.0.0.1", 0, application(running.ready, running.app)) as port:
            assert await running.ready() is None
            async with NatsBus.connected_to(as_gateway) as gateway, Stack(port).client() as client:
                await client.hello()
                await client.offer(1)
                assert (await client.error()).code == ErrorCode.CAPACITY
                await gateway.serve(subjects.RTC_OFFER, OpenPeer, answer, queue=subjects.QUEUE_RTC)
                await gateway.serve(subjects.rtc_candidate("gw-1"), AddCandidate, take, queue=None)
                await client.offer(2, "v=0")
                assert (await client.answer()).sdp == "answer to v=0"
                for number in range(10):
                    await client.candidate(str(number), 2)
                async with asyncio.timeout(5):
                    arrived = [(await candidates.get()).candidate.candidate for _ in range(10)]
                assert arrived == [str(number) for number in range(10)]
                assert running.drain is not None
                draining = asyncio.create_task(running.drain())  # as the process does, while the server still serves
                await client.draining()
                assert await client.closed() == (1001, "draining")
                assert await running.ready() == "draining"
                await draining
