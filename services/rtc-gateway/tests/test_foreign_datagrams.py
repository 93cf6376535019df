"""Whoever can reach a peer's port can send to it; only its page gets through to DTLS, and nobody brings it down."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import uvloop
from aioice import Candidate
from aioice.ice import CandidatePair, Connection
from aioice.stun import Class, Message, Method
from aiortc import RTCSessionDescription

from rtc_gateway.addresses import rule_of
from rtc_gateway.aiortc_adapter import AiortcPeers, AiortcSettings
from rtc_gateway.aiortc_insides.gathering import DATAGRAMS_MAX, PeerDatagrams

from .pair import Heard, Pair, candidates_in, connected, ice_of, new_page, offer_of, soon

MARK = b"a stranger's"
CLIENT_HELLO = b"\x16\xfe\xff" + bytes(8) + MARK * 20
ON_LOOPBACK = AiortcSettings(addresses=(rule_of("127.0.0.1"),))
MALFORMED = {
    "an empty one": b"",
    "STUN that ends early": bytes.fromhex("0001000c2112a442000000000000000000000000802a000440ae3ac127722988"),
    "STUN with a wrong checksum": bytes.fromhex("000100082112a4420000000000000000000000008028000400000000"),
    "no STUN, but its first byte": b"\x00",
    "a single byte of DTLS": b"\x17",
    "RTP": b"\x80" + bytes(11),
    "TURN's channels": b"\x40\x00\x00\x04" + bytes(4),
}


def port_of(pair: Pair) -> int:
    return int(candidates_in(pair.page.remoteDescription.sdp)[0][5])


def datagrams_of(pair: Pair) -> PeerDatagrams:
    (protocol,) = ice_of(pair.peer._connection)._protocols
    assert isinstance(protocol, PeerDatagrams)
    return protocol


async def echo(pair: Pair, text: str) -> None:
    pair.channel.send(text)
    assert await soon(pair.heard.messages.get()) == text
    pair.peer.send(text)
    assert await pair.message() == text


@contextmanager
def flooding(port: int) -> Iterator[list[int]]:
    """Datagrams from elsewhere, as fast as they go; yields how many went, in the one entry."""
    enough, sent = threading.Event(), [0]

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            while not enough.is_set():
                for datagram in (CLIENT_HELLO, *MALFORMED.values()):
                    stranger.sendto(datagram, ("127.0.0.1", port))
                    sent[0] += 1
                enough.wait(0.001)  # both ends have to get their share of this process

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        yield sent
    finally:
        enough.set()
        thread.join()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("datagram", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_datagram_from_anybody_is_dropped_without_a_word(
    datagram: bytes, loop: Callable[[], asyncio.AbstractEventLoop], caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with connected(settings=ON_LOOPBACK) as pair:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(datagram, ("127.0.0.1", port_of(pair)))
            before = pair.peer.stats().datagrams_dropped
            await echo(pair, "alive")
            assert pair.peer.stats().datagrams_dropped == before + 1
            assert not pair.heard.closed.done()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(scenario())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_flood_during_dtls_and_after_it_takes_no_place_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    page, channel, received = new_page()
    page_open = asyncio.Event()
    channel.on("open", page_open.set)
    heard, peers = Heard(), AiortcPeers(ON_LOOPBACK)
    peer = peers.create(heard.handlers)
    answer = await peer.accept(await offer_of(page))
    queue = ice_of(peer._connection)._queue
    queued: list[bytes] = []
    put = queue.put_nowait

    def noticing(entry: tuple[bytes, int] | None) -> None:
        queued.append(b"" if entry is None else entry[0])
        put(entry)

    monkeypatch.setattr(queue, "put_nowait", noticing)
    with flooding(int(candidates_in(answer)[0][5])) as sent:
        await page.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        await soon(heard.opened.wait())
        await soon(page_open.wait())
        during = sent[0]
        pair = Pair(page, channel, received, peer, heard, peers)
        for number in range(50):
            await echo(pair, str(number))
    assert during > 0
    assert sent[0] > during
    assert peer.stats().datagrams_dropped > during / 2
    assert queued
    assert [data for data in queued if MARK in data or data in MALFORMED.values()] == []
    peer.close()
    await page.close()
    await peers.close()


async def test_the_page_itself_can_fill_the_queue_only_to_its_bound() -> None:
    async with connected(settings=ON_LOOPBACK) as pair:
        ice = ice_of(pair.peer._connection)
        page_address = ice._nominated[1].remote_addr
        for _ in range(DATAGRAMS_MAX + 100):
            datagrams_of(pair).datagram_received(b"\x17" + MARK, page_address)
        assert ice._queue.qsize() == DATAGRAMS_MAX
        assert pair.peer.stats().datagrams_dropped >= 100


@pytest.mark.parametrize(("state", "taken"), [(CandidatePair.State.SUCCEEDED, 1), (CandidatePair.State.IN_PROGRESS, 0)])
async def test_a_page_that_moves_is_heard_from_where_its_checks_have_succeeded(
    state: CandidatePair.State, taken: int
) -> None:
    async with connected(settings=ON_LOOPBACK) as pair:
        ice = ice_of(pair.peer._connection)
        other = CandidatePair(datagrams_of(pair), Candidate.from_sdp("1 1 udp 1 192.0.2.9 9 typ host"))
        other.state = state
        ice._check_list.append(other)
        before = ice._queue.qsize()
        datagrams_of(pair).datagram_received(b"\x17" + MARK, ("192.0.2.9", 9))
        assert ice._queue.qsize() == before + taken


def checks(ice: Connection, sender: socket.socket, *, password: str) -> None:
    """A check as the page would send it from `sender`, which chooses that pair."""
    request = Message(message_method=Method.BINDING, message_class=Class.REQUEST)
    request.attributes["USERNAME"] = f"{ice.local_username}:{ice.remote_username}"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.attributes["USE-CANDIDATE"] = None
    request.add_message_integrity(password.encode())
    request.add_fingerprint()
    sender.sendto(bytes(request), ("127.0.0.1", ice.local_candidates[0].port))


@pytest.mark.parametrize(("password", "taken"), [(None, 1), ("of a stranger's making", 0)])
async def test_a_page_that_sends_by_another_pair_than_we_do_is_heard_if_it_has_shown_the_password(
    password: str | None, taken: int
) -> None:
    async with connected(settings=ON_LOOPBACK) as pair:
        ice = ice_of(pair.peer._connection)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.bind(("127.0.0.1", 0))
            elsewhere.setblocking(False)
            checks(ice, elsewhere, password=password or ice.local_password)
            await soon(asyncio.get_running_loop().sock_recv(elsewhere, 1500))  # the check was handled
            before = ice._queue.qsize()
            # It answers no check of ours: aioice has ended its own when it had a pair.
            datagrams_of(pair).datagram_received(b"\x17" + MARK, elsewhere.getsockname())
            assert ice._queue.qsize() == before + taken


async def test_before_a_pair_is_chosen_the_pages_candidates_are_heard_and_nobody_else() -> None:
    page, _, _ = new_page()
    peers = AiortcPeers(ON_LOOPBACK)
    peer = peers.create(Heard().handlers)
    offer = await offer_of(page)
    await peer.accept(offer)
    ice = ice_of(peer._connection)
    (protocol,) = ice._protocols
    known = candidates_in(offer)[0]
    for address, size in ((("192.0.2.9", 9), 0), ((known[4], int(known[5])), 1)):
        protocol.datagram_received(b"\x16" + MARK, address)
        assert ice._queue.qsize() == size
    peer.close()
    await page.close()
    await peers.close()
