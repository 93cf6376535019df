"""How long the association waits before it sends again."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiortc import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcsctptransport import Chunk, DataChunk, InitChunk

from contracts.limits import CONNECT_TIMEOUT_S
from rtc_gateway.aiortc_adapter import AiortcSettings
from rtc_gateway.aiortc_insides.timers import ACK_AT_ONCE, OUR_TIMERS, UNMEASURED_MAX, Retransmission, SctpTimers

from .pair import Pair, connected, sctp_of, soon


@dataclass
class Waits:
    """An event loop that only notes how long it was asked to wait."""

    seconds: list[float] = field(default_factory=list)

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.seconds.append(delay)


def unstarted() -> RTCSctpTransport:
    ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    return RTCSctpTransport(RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()]))


def noting(sctp: RTCSctpTransport) -> list[DataChunk]:
    """Every DATA chunk that is sent from here on, each time it is sent."""
    sent: list[DataChunk] = []
    send = sctp._send_chunk

    async def note(chunk: Chunk) -> None:
        await send(chunk)
        if isinstance(chunk, DataChunk):
            sent.append(chunk)

    sctp._send_chunk = note  # type: ignore[method-assign]
    return sent


def delay_what_the_page_sends(pair: Pair, seconds: float) -> None:
    transport = sctp_of(pair.page).transport.transport
    send, loop = transport._send, asyncio.get_running_loop()

    async def send_late(data: bytes) -> None:
        with contextlib.suppress(ConnectionError):  # the page has closed meanwhile
            await send(data)

    async def later(data: bytes) -> None:
        loop.call_later(seconds, lambda: loop.create_task(send_late(data)))

    transport._send = later


async def answered(pair: Pair, text: str) -> None:
    """The page has it, and its acknowledgement is here: the page's own answer came after it."""
    pair.peer.send(text)
    assert await pair.message() == text
    await acknowledged(pair)


async def acknowledged(pair: Pair) -> None:
    pair.channel.send("after it")
    assert await soon(pair.heard.messages.get()) == "after it"


async def test_a_lone_message_that_is_lost_is_sent_again_within_our_timer() -> None:
    async with connected() as pair:
        for number in range(5):
            await answered(pair, str(number))  # the path is known to be short
        sctp = sctp_of(pair.peer._connection)
        send, lost = sctp._send_chunk, asyncio.Event()

        async def lose_one(chunk: Chunk) -> None:
            if isinstance(chunk, DataChunk) and not lost.is_set():
                lost.set()
            else:
                await send(chunk)

        sctp._send_chunk = lose_one  # type: ignore[method-assign]
        timer_s = sctp._rto
        assert OUR_TIMERS.margin_s < timer_s < 1  # aiortc's own is 1 s
        began = time.monotonic()
        pair.peer.send("lost at first")
        assert await pair.message() == "lost at first"
        assert time.monotonic() - began >= timer_s
        await acknowledged(pair)
        assert sctp._rto == timer_s  # it was doubled, and the next message that is lost does not pay for it


async def test_a_path_that_is_longer_than_the_timer_is_learned_and_nothing_is_sent_twice_any_more() -> None:
    timers = SctpTimers(initial_s=0.1, margin_s=0.05)
    async with connected(settings=AiortcSettings(timers=timers)) as pair:
        await answered(pair, "short")
        sent = noting(sctp_of(pair.peer._connection))
        delay_what_the_page_sends(pair, 0.15)
        for number in range(UNMEASURED_MAX + 2):
            await answered(pair, str(number))
        assert len(sent) > UNMEASURED_MAX + 2
        sent.clear()
        for number in range(3):
            await answered(pair, str(number))
        assert len(sent) == 3


async def test_the_last_packet_of_a_burst_asks_to_be_acknowledged_at_once() -> None:
    async with connected() as pair:
        sent = noting(sctp_of(pair.peer._connection))
        await answered(pair, "x" * 3000)
        await answered(pair, "y")
        asking = [bool(chunk.flags & ACK_AT_ONCE) for chunk in sent]
        assert asking == [False, False, True, True]


async def test_setting_up_is_tried_until_the_watchdog_ends_it() -> None:
    sctp = unstarted()

    async def lose(chunk: Chunk) -> None:
        pass

    sctp._send_chunk = lose  # type: ignore[method-assign]
    Retransmission(sctp, SctpTimers(initial_s=0.5, margin_s=0.2))
    waits = Waits()
    sctp._loop = waits  # type: ignore[assignment]
    sctp._set_state(sctp.State.COOKIE_WAIT)
    sctp._t1_start(InitChunk())
    while sctp._association_state != sctp.State.CLOSED:
        sctp._t1_expired()
    assert waits.seconds == [0.5, 1, 2, 3, 3, 3, 3, 3, 3]
    assert sum(waits.seconds) > CONNECT_TIMEOUT_S
    assert sctp._rto == 0.5  # what is sent first, once it is set up, does not inherit the wait


async def test_a_long_and_even_round_trip_keeps_its_margin() -> None:
    sctp = unstarted()
    Retransmission(sctp, OUR_TIMERS)
    for _ in range(50):
        sctp._update_rto(0.19)
    assert sctp._rto >= 0.19 + OUR_TIMERS.margin_s


async def test_a_clock_that_is_set_is_no_measurement() -> None:
    sctp = unstarted()
    Retransmission(sctp, OUR_TIMERS)
    sctp._update_rto(0.3)
    known = sctp._rto
    for jump in (-5.0, 3600.0):
        sctp._update_rto(jump)
        assert sctp._rto == known


async def test_other_associations_of_the_process_keep_aiortcs_timers() -> None:
    async with connected() as pair:
        await answered(pair, "measured")
        assert sctp_of(pair.page)._rto == 1
        assert sctp_of(pair.peer._connection)._rto != 1
    async with connected(settings=AiortcSettings(timers=None)) as pair:
        await answered(pair, "measured")
        assert sctp_of(pair.peer._connection)._rto == 1
