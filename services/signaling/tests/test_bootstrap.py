"""The real parts joined: signaling on a real NATS server, which holds it to its permissions."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from access.identity import LEEWAY_S
from access.interface import Expected
from access.shared_secret import SharedSecrets
from bus.errors import RemoteError, UnavailableError
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.gateway import AddCandidate, Done, OpenPeer, PeerOpened, TokenVerified, VerifyToken
from contracts.message import ErrorCode
from contracts.tokens import owner_key
from local_stack.ports import free_port
from runtime.http import application, serving
from signaling.bootstrap import start
from signaling.settings import Settings

from .stack import Stack

HOUR = timedelta(hours=1)


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


async def test_gateways_ask_whose_token_it_is(nats_server, tmp_path):
    secrets = SharedSecrets(("s" * 32,), Expected("local", "todo-agent"))
    passwords = {"nats_url": nats_server.url, "nats_password": nats_server.passwords["signaling"]}
    async with NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as gateway:

        async def verify(token: str) -> TokenVerified:
            return await gateway.request(subjects.AUTH_VERIFY, VerifyToken(token=token), TokenVerified, timeout=5)

        async with start(Settings(page_dir=tmp_path, auth_secret="s" * 32, **passwords)):
            now = datetime.now(UTC).replace(microsecond=0)
            verified = await verify(secrets.mint("ada", timedelta(hours=1), now=now))
            assert verified.owner == owner_key("local", "ada")
            assert verified.expires_at == now + timedelta(hours=1, seconds=LEEWAY_S)
            for token, words in (("", "no access token"), ("x", "not valid"), (secrets.mint("a", -HOUR), "expired")):
                with pytest.raises(RemoteError) as refused:
                    await verify(token)
                assert refused.value.problem.code == ErrorCode.UNAUTHORISED
                assert words in refused.value.problem.detail
        async with start(Settings(page_dir=tmp_path, **passwords)):
            with pytest.raises(RemoteError) as refused:
                await verify(secrets.mint("ada", HOUR))
            assert refused.value.problem.code == ErrorCode.UNSUPPORTED
        with pytest.raises(UnavailableError):
            await verify("x")


async def test_without_the_keys_of_a_provider_it_is_not_ready(nats_server, tmp_path):
    settings = Settings(
        nats_url=nats_server.url,
        nats_password=nats_server.passwords["signaling"],
        page_dir=tmp_path,
        auth_jwks_url=f"http://127.0.0.1:{free_port()}/jwks",
        auth_issuer="https://sign-in.example",
        auth_audience="to-do",
    )
    async with start(settings) as running:
        assert await running.ready() == "auth_keys"
