"""However a peer ends, and whenever, its sockets and tasks are gone."""

import asyncio

import pytest

from contracts.message import ErrorCode
from rtc_gateway.aiortc_adapter import AiortcPeers, AiortcSettings
from rtc_gateway.peer import CloseReason, PeerError

from .pair import (
    LOOPBACK,
    LOOPS,
    Heard,
    MakeLoop,
    accepted,
    ended,
    new_page,
    offer_of,
    open_sockets,
    run_on,
    sctp_of,
    soon,
    without,
)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_peer_that_never_connects_is_gone_after_the_timeout_with_its_sockets(loop: MakeLoop) -> None:
    async def scenario() -> None:
        page, _, _ = new_page()
        offer = await offer_of(page)
        # A page that cannot be reached, so checks go on all the while.
        offer = without(without(offer, "a=candidate:"), "a=end-of") + "a=candidate:1 1 udp 1 192.0.2.99 9 typ host\r\n"
        await page.close()
        before, tasks = open_sockets(), asyncio.all_tasks()
        peers = AiortcPeers(AiortcSettings(connect_timeout_s=0.3))
        heard = Heard()
        peer = peers.create(heard.handlers)
        await peer.accept(offer)
        assert len(open_sockets()) > len(before)
        assert await soon(heard.closed) is CloseReason.NOT_CONNECTED
        await soon(peers.close())
        assert open_sockets() == before
        await ended(asyncio.all_tasks() - tasks)

    run_on(loop, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_peer_that_is_closed_at_any_moment_of_its_answer_keeps_nothing(loop: MakeLoop) -> None:
    async def scenario() -> None:
        page, _, _ = new_page()
        offer = await offer_of(page)
        await page.close()
        before, tasks = open_sockets(), asyncio.all_tasks()
        answered, moment = False, 0
        while not answered:
            peers = AiortcPeers(AiortcSettings(addresses=LOOPBACK))
            peer = peers.create(Heard().handlers)
            accepting = asyncio.create_task(peer.accept(offer))
            for _ in range(moment):
                await asyncio.sleep(0)
            answered = accepting.done()
            peer.close()
            if not answered:
                with pytest.raises(PeerError) as refused:
                    await soon(accepting)
                assert refused.value.problem.code is ErrorCode.CONNECT_FAILED
            await soon(peers.close())
            assert open_sockets() == before, f"after {moment} rounds of the loop"
            moment += 1
        assert moment > 3
        await ended(asyncio.all_tasks() - tasks)

    run_on(loop, scenario)


@pytest.mark.parametrize("loop", LOOPS)
def test_an_offer_that_is_given_up_at_any_moment_keeps_no_socket(loop: MakeLoop) -> None:
    async def scenario() -> None:
        page, _, _ = new_page()
        offer = await offer_of(page)
        await page.close()
        before = open_sockets()
        answered, moment = False, 0
        while not answered:
            peers = AiortcPeers(AiortcSettings(addresses=LOOPBACK))
            peer = peers.create(Heard().handlers)
            accepting = asyncio.create_task(peer.accept(offer))
            for _ in range(moment):
                await asyncio.sleep(0)
            answered = accepting.done()
            accepting.cancel()
            await asyncio.wait({accepting})
            peer.close()
            await soon(peers.close())
            assert open_sockets() == before, f"after {moment} rounds of the loop"
            moment += 1
        assert moment > 3

    run_on(loop, scenario)


async def test_a_close_that_hangs_is_given_up_and_its_sockets_are_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rtc_gateway.aiortc_adapter.PEER_CLOSE_TIMEOUT_S", 0.1)
    before, tasks = open_sockets(), asyncio.all_tasks()
    peers = AiortcPeers(AiortcSettings())
    peer, _ = await accepted(peers)
    at_work = sctp_of(peer._connection).transport
    monkeypatch.setattr(at_work, "stop", asyncio.Event().wait)
    peer.close()
    await soon(peers.close())
    assert "peer did not close in time, its sockets are taken from it" in caplog.messages
    assert open_sockets() == before
    await soon(at_work.transport.stop())  # what is left of the connection is not a socket
    await ended(asyncio.all_tasks() - tasks)
