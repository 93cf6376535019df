"""The adapter against real aiortc peers on this machine's own addresses."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from itertools import count

import pytest
from aiortc.rtcsctptransport import WEBRTC_DCEP, WEBRTC_STRING

from contracts.limits import CANDIDATES_MAX
from contracts.message import ErrorCode
from contracts.signaling import IceCandidate
from rtc_gateway.aiortc_adapter import HIGH_WATER_BYTES, AiortcPeers, AiortcSettings
from rtc_gateway.peer import CloseReason, PeerClosedError, PeerError, PeerStats

from .pair import Heard, Pair, candidates_in, connected, new_page, offer_of, soon, without

MDNS = "a=candidate:1 1 udp 2122260223 5a1e8f0c-93ab-4d51-8a5e-3f3a5d1b7c11.local 50000 typ host"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda sdp: sdp, id="aiortc's own"),
        pytest.param(lambda sdp: sdp + MDNS + "\r\n", id="mdns behind the others"),
        pytest.param(lambda sdp: without(without(sdp, "a=candidate:"), "a=end-of"), id="sent at once: no candidates"),
        pytest.param(
            lambda sdp: without(sdp, "a=candidate:").replace("a=end-of-candidates", f"{MDNS}\r\na=end-of-candidates"),
            id="Firefox: nothing but mdns, and their end",
        ),
    ],
)
async def test_every_kind_of_offer_connects_and_none_waits_for_mdns(change: Callable[[str], str]) -> None:
    began = time.monotonic()
    async with connected(change) as pair:
        pair.channel.send("up")
        assert await soon(pair.heard.messages.get()) == "up"
        pair.peer.send("down")
        assert await pair.message() == "down"
    assert time.monotonic() - began < 5


async def test_an_answer_to_an_mdns_offer_comes_within_the_second_that_a_lookup_would_take() -> None:
    page, _, _ = new_page()
    peers = AiortcPeers(AiortcSettings())
    peer = peers.create(Heard().handlers)
    offer = without(await offer_of(page), "a=candidate:") + f"{MDNS}\r\n{MDNS.replace('5a1e', '6b2f')}\r\n"
    began = time.monotonic()
    answer = await soon(peer.accept(offer))
    assert time.monotonic() - began < 0.8
    assert candidates_in(answer)
    assert ".local" not in answer
    peer.close()
    await page.close()
    await peers.close()


async def test_a_peer_that_does_not_connect_in_time_is_closed() -> None:
    page, _, _ = new_page()
    heard = Heard()
    peers = AiortcPeers(AiortcSettings(connect_timeout_s=0.2))
    peer = peers.create(heard.handlers)
    await soon(peer.accept(await offer_of(page)))  # the page never hears of the answer
    assert await soon(heard.closed) is CloseReason.NOT_CONNECTED
    assert not heard.opened.is_set()
    await page.close()
    await soon(peers.close())
    with pytest.raises(PeerClosedError):
        peer.send("late")


async def test_a_channel_that_comes_after_the_close_is_not_opened() -> None:
    page, channel, _ = new_page()
    heard = Heard()
    peers = AiortcPeers(AiortcSettings())
    peer = peers.create(heard.handlers)
    await soon(peer.accept(await offer_of(page)))
    peer.close()
    peer._connection.emit("datachannel", channel)
    assert not heard.opened.is_set()
    await page.close()
    await peers.close()


async def test_close_returns_at_once_and_what_was_sent_before_still_arrives() -> None:
    async with connected() as pair:
        for number in range(20):
            pair.peer.send(f"{number} " + "x" * 10_000)
        began = time.monotonic()
        pair.peer.close()
        pair.peer.close()
        assert time.monotonic() - began < 0.05
        assert await soon(pair.heard.closed) is CloseReason.LOCAL
        numbers = [int(str(await pair.message()).split()[0]) for _ in range(20)]
        assert numbers == list(range(20))
        await soon(pair.peers.close())
        assert pair.channel.readyState == "closed"


async def test_a_page_that_closes_its_channel_is_gone_at_once() -> None:
    async with connected() as pair:
        pair.channel.close()
        assert await soon(pair.heard.closed) is CloseReason.REMOTE


async def test_a_page_that_closes_its_connection_is_gone_at_once() -> None:
    async with connected() as pair:
        await pair.page.close()
        assert await soon(pair.heard.closed) in {CloseReason.REMOTE, CloseReason.LOST}


async def test_what_is_sent_to_a_page_that_vanished_is_lost_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    gc.collect()  # what other tests have left behind is theirs
    caplog.clear()
    async with connected() as pair:
        sctp = pair.peer._connection.sctp
        assert sctp is not None
        sctp.transport._ssl.shutdown()  # as the page's close_notify leaves it
        pair.peer.close()
        await soon(pair.peers.close())
    gc.collect()  # asyncio tells of a task's exception when the task is collected
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_an_exception_in_a_handler_does_not_end_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as pair:
        pair.heard.fail_on = "bad"
        pair.channel.send("bad")
        pair.channel.send("good")
        assert await soon(pair.heard.messages.get()) == "good"
    assert "peer handler failed" in caplog.messages


async def send_raw(pair: Pair, protocol: int, data: bytes) -> None:
    sctp = pair.page.sctp
    assert sctp is not None
    sctp._data_channel_queue.append((pair.channel, protocol, data))
    pair.channel._addBufferedAmount(len(data))
    await sctp._data_channel_flush()


async def test_text_that_is_no_utf8_arrives_as_bytes_and_the_connection_lives() -> None:
    async with connected() as pair:
        await send_raw(pair, WEBRTC_STRING, b"\xff\xfe")
        pair.channel.send("after")
        assert await soon(pair.heard.messages.get()) == b"\xff\xfe"
        assert await soon(pair.heard.messages.get()) == "after"
        assert not pair.heard.closed.done()


async def test_a_repeated_open_of_the_channel_is_ignored() -> None:
    async with connected() as pair:
        await send_raw(pair, WEBRTC_DCEP, b"\x03" + bytes(11))
        pair.channel.send("after")
        assert await soon(pair.heard.messages.get()) == "after"
        assert not pair.heard.closed.done()


async def test_a_packet_that_breaks_the_transport_ends_this_peer_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with connected() as pair:
        other = pair.page.createDataChannel("é" * 3)  # aiortc itself cuts such a label in the middle
        assert await soon(pair.heard.closed) is CloseReason.MISUSE
        assert other.readyState != "open"
    assert "packet refused" in caplog.messages


async def test_other_channels_are_closed_and_ours_lives() -> None:
    async with connected() as pair:
        other = pair.page.createDataChannel("video")
        closed = asyncio.Event()
        other.on("close", closed.set)
        await soon(closed.wait())
        pair.channel.send("after")
        assert await soon(pair.heard.messages.get()) == "after"


async def test_a_receive_window_that_is_overrun_ends_the_peer() -> None:
    async with connected() as pair:
        sctp = pair.page.sctp
        assert sctp is not None
        sctp._remote_max_message_size = 0
        pair.channel.send("x" * 3_000_000)  # one message beyond the window of 1 MiB that was advertised
        assert await soon(pair.heard.closed) is CloseReason.MISUSE


async def test_writable_waits_above_the_high_water_mark_until_the_buffer_is_low() -> None:
    async with connected() as pair:
        await soon(pair.peer.writable())
        frame = "x" * 16_000
        frames = HIGH_WATER_BYTES // len(frame) + 2
        for _ in range(frames):
            pair.peer.send(frame)
        waiting = asyncio.ensure_future(pair.peer.writable())
        await asyncio.sleep(0)
        assert not waiting.done()
        await soon(waiting)
        for _ in range(frames):
            assert await pair.message() == frame


async def test_a_writer_that_waits_is_told_when_the_peer_closes() -> None:
    async with connected() as pair:
        for _ in range(20):
            pair.peer.send("x" * 16_000)
        waiting = asyncio.ensure_future(pair.peer.writable())
        await asyncio.sleep(0)
        pair.peer.close()
        with pytest.raises(PeerClosedError):
            await soon(waiting)


async def test_stats_tell_the_path_and_the_bytes() -> None:
    async with connected() as pair:
        before = pair.peer.stats()
        pair.channel.send("x" * 1000)
        await soon(pair.heard.messages.get())
        after = pair.peer.stats()
        assert before.local_type == "host"
        assert before.remote_type in {"host", "prflx"}
        assert before.path == f"host/{before.remote_type}"
        assert before.protocol == "udp"
        assert after.bytes_received >= before.bytes_received + 1000


async def test_stats_tell_the_round_trip_and_what_is_not_acknowledged() -> None:
    async with connected() as pair:
        pair.peer.send("measured")
        await pair.message()
        pair.channel.send("it has come")
        await soon(pair.heard.messages.get())
        for _ in range(20):
            pair.peer.send("x" * 16_000)
        await asyncio.sleep(0)
        waiting = pair.peer.stats()
        assert waiting.bytes_unacked > 0
        assert waiting.bytes_buffered + waiting.bytes_unacked == 20 * 16_000
        for _ in range(20):
            await pair.message()
        pair.channel.send("all of it")
        await soon(pair.heard.messages.get())
        done = pair.peer.stats()
        assert (done.bytes_buffered, done.bytes_unacked) == (0, 0)
        assert done.rtt_ms is not None
        assert 0 < done.rtt_ms < 1000


def test_before_there_is_a_pair_there_is_no_path() -> None:
    assert PeerStats().path is None


async def test_an_opening_says_what_took_how_long_and_by_which_pair(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="rtc_gateway")
    async with connected() as pair:
        path = pair.peer.stats().path
    told = vars(next(record for record in caplog.records if record.getMessage() == "channel open"))
    parts = [told[name] for name in ("accept_ms", "ice_ms", "dtls_ms")]
    assert all(part > 0 for part in parts)
    assert sum(parts) <= told["open_ms"] + 0.5
    assert (told["path"], told["protocol"]) == (path, "udp")


async def test_a_candidate_may_come_before_the_offer() -> None:
    page, channel, _ = new_page()
    heard = Heard()
    peers = AiortcPeers(AiortcSettings())
    peer = peers.create(heard.handlers)
    sdp = await offer_of(page)
    lines = [line for line in sdp.splitlines() if line.startswith("a=candidate:")]
    for line in lines:
        assert await peer.add_candidate(IceCandidate(candidate=line.removeprefix("a="), sdp_mid="0"))
    await soon(peer.accept(without(sdp, "a=candidate:")))
    sctp = peer._connection.sctp
    assert sctp is not None
    known = sctp.transport.transport.getRemoteCandidates()
    assert len(known) == len(lines)
    peer.close()
    await page.close()
    await peers.close()
    assert channel.readyState != "open"


async def test_candidates_of_no_use_are_dropped_bad_ones_refused_and_their_number_bounded() -> None:
    peers = AiortcPeers(AiortcSettings())
    peer = peers.create(Heard().handlers)
    numbers = count()
    for text in ("", MDNS.removeprefix("a="), "candidate:1 1 tcp 1 192.0.2.9 9 typ host tcptype active"):
        next(numbers)
        assert not await peer.add_candidate(IceCandidate(candidate=text))
    for text in ("nonsense", "candidate:1 1 udp 1 no-such-host 9 typ host", "candidate:1 1 udp 1 192.0.2.9 0 typ host"):
        next(numbers)
        with pytest.raises(PeerError) as refused:
            await peer.add_candidate(IceCandidate(candidate=text))
        assert refused.value.problem.code is ErrorCode.INVALID
        assert refused.value.problem.field == "candidate"
    for _ in range(CANDIDATES_MAX - next(numbers)):
        await peer.add_candidate(IceCandidate(candidate=""))
    with pytest.raises(PeerError) as refused:
        await peer.add_candidate(IceCandidate(candidate=""))
    assert refused.value.problem.code is ErrorCode.LIMIT
    peer.close()
    await peers.close()
