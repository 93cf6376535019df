"""Where a peer listens: at the addresses and ports that were chosen, and what it is told to announce."""

import asyncio
import ipaddress
import socket
from contextlib import closing

import pytest
from aioice import ice as aioice_ice
from aiortc import RTCSessionDescription

from contracts.message import ErrorCode
from contracts.signaling import IceCandidate
from rtc_gateway.addresses import PortRange, addresses_of_this_machine, rule_of, usable_addresses
from rtc_gateway.aiortc_adapter import AiortcPeers, AiortcSettings
from rtc_gateway.aiortc_insides import gathering
from rtc_gateway.peer import PeerError

from .pair import (
    LOOPBACK,
    LOOPS,
    Heard,
    MakeLoop,
    accepted,
    candidates_in,
    connected,
    new_page,
    offer_of,
    open_sockets,
    run_on,
    soon,
    without,
)


def free_range(size: int) -> PortRange:
    """Ports of 127.0.0.1 that are free in a row. Nothing else here binds to a range, so they are likely to stay so."""
    for low in range(20_000, 30_000, size):
        held: list[socket.socket] = []
        try:
            for port in range(low, low + size):
                held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                held[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return PortRange(low, low + size - 1)
        finally:
            for one in held:
                one.close()
    raise RuntimeError("no free ports")


async def test_only_the_chosen_addresses_are_offered_and_loopback_serves_alone() -> None:
    async with connected(settings=AiortcSettings(addresses=LOOPBACK)) as pair:
        assert [words[4] for words in candidates_in(pair.page.remoteDescription.sdp)] == ["127.0.0.1"]


async def test_an_interface_stands_for_its_addresses() -> None:
    name = next(local.interface for local in addresses_of_this_machine() if local.ip.is_loopback)
    of_interface = [str(local.ip) for local in addresses_of_this_machine() if local.interface == name]
    peers = AiortcPeers(AiortcSettings(addresses=(rule_of(name),)))
    peer, answer = await accepted(peers)
    assert [words[4] for words in candidates_in(answer)] == of_interface
    peer.close()
    await peers.close()


@pytest.mark.parametrize("loop", LOOPS)
def test_ports_come_from_the_range_and_an_exhausted_one_is_the_error_capacity_at_once(loop: MakeLoop) -> None:
    ports = free_range(3)

    async def scenario() -> None:
        peers = AiortcPeers(AiortcSettings(addresses=LOOPBACK, ports=ports))
        made = [await accepted(peers) for _ in range(len(ports))]
        used = sorted(int(words[5]) for _, answer in made for words in candidates_in(answer))
        assert used == list(range(ports.low, ports.high + 1))
        before = open_sockets()
        with pytest.raises(PeerError) as refused:
            await soon(accepted(peers))
        assert refused.value.problem.code is ErrorCode.CAPACITY
        assert "UDP port" in refused.value.problem.detail
        assert open_sockets() == before
        made[1][0].close()
        await peers.close()
        again, answer = await accepted(peers)  # the port that was given back
        assert candidates_in(answer)[0][5] == candidates_in(made[1][1])[0][5]
        for peer in (again, made[0][0], made[2][0]):
            peer.close()
        await peers.close()

    run_on(loop, scenario)


def test_a_range_that_another_program_uses_is_gone_through_to_the_end() -> None:
    ports = free_range(40)

    async def scenario() -> None:
        held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(len(ports) - 1)]
        for one, port in zip(held, range(ports.low, ports.high), strict=True):
            one.bind(("127.0.0.1", port))
        peers = AiortcPeers(AiortcSettings(addresses=LOOPBACK, ports=ports))
        peer, answer = await accepted(peers)
        assert int(candidates_in(answer)[0][5]) == ports.high
        peer.close()
        await peers.close()
        for one in held:
            one.close()

    run_on(asyncio.new_event_loop, scenario)


async def test_a_range_that_is_used_up_on_one_address_gives_back_the_sockets_of_the_others() -> None:
    local = addresses_of_this_machine()
    beyond = usable_addresses((), local)[0]
    assert not beyond.is_loopback, "needs an address beside loopback"
    ports = free_range(1)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as held:
        held.bind(("127.0.0.1", ports.low))
        peers = AiortcPeers(AiortcSettings(addresses=(rule_of(str(beyond)), *LOOPBACK), ports=ports))
        before = open_sockets()
        with pytest.raises(PeerError) as refused:
            await soon(accepted(peers))
        await peers.close()
        assert refused.value.problem.code is ErrorCode.CAPACITY
        assert open_sockets() == before


class OneToOne(asyncio.DatagramProtocol):
    """A translation of 127.0.0.2, port by port, to 127.0.0.1; for one client."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._outer: asyncio.DatagramTransport
        self._inner: asyncio.DatagramTransport | None = None
        self._client: tuple[str, int] | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._outer, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.2", self._port))
        self._inner, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._inner is not None
        if addr == ("127.0.0.1", self._port):
            self._outer.sendto(data, self._client)
        else:
            self._client = addr
            self._inner.sendto(data, ("127.0.0.1", self._port))

    def close(self) -> None:
        self._outer.close()
        if self._inner is not None:
            self._inner.close()


async def test_a_page_connects_by_the_announced_address_alone() -> None:
    announced = ipaddress.IPv4Address("127.0.0.2")
    page, channel, _ = new_page()
    page_open = asyncio.Event()
    channel.on("open", page_open.set)
    heard = Heard()
    peers = AiortcPeers(AiortcSettings(addresses=LOOPBACK, announced=announced))
    peer = peers.create(heard.handlers)
    # Nothing of the page's is known before it is seen, so no check goes out past the translation.
    offer = without(without(await offer_of(page), "a=candidate:"), "a=end-of")
    answer = await peer.accept(offer)
    first, second = candidates_in(answer)
    assert (first[4], second[4]) == ("127.0.0.2", "127.0.0.1")
    assert first[5] == second[5]
    assert f"m=application {first[5]} " in answer
    assert "c=IN IP4 127.0.0.2" in answer
    translation = OneToOne(int(first[5]))
    await translation.run()
    alone = without(answer, f"a={second[0].removeprefix('a=')} ")
    assert len(candidates_in(alone)) == 1
    await page.setRemoteDescription(RTCSessionDescription(sdp=alone, type="answer"))
    await soon(page_open.wait())
    channel.send("through")
    assert await soon(heard.messages.get()) == "through"
    peer.close()
    await page.close()
    await peers.close()
    translation.close()


async def test_without_any_of_the_addresses_the_offer_is_refused_for_capacity() -> None:
    peers = AiortcPeers(AiortcSettings(addresses=(rule_of("198.51.100.7"),)))  # TEST-NET-2: not this machine's
    with pytest.raises(PeerError) as refused:
        await soon(accepted(peers))
    assert refused.value.problem.code is ErrorCode.CAPACITY
    await peers.close()


async def test_an_address_that_went_away_between_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ipaddress.ip_address("198.51.100.7")
    monkeypatch.setattr(AiortcSettings, "usable", lambda _: (gone, ipaddress.ip_address("127.0.0.1")))
    peers = AiortcPeers(AiortcSettings())
    peer, answer = await accepted(peers)
    assert [words[4] for words in candidates_in(answer)] == ["127.0.0.1"]
    peer.close()
    await peers.close()


async def test_no_file_descriptor_left_is_the_error_capacity(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    page, _, _ = new_page()
    offer = await offer_of(page)
    peers = AiortcPeers(AiortcSettings())
    peer = peers.create(Heard().handlers)
    monkeypatch.setattr(gathering.socket, "socket", refuse)
    with pytest.raises(PeerError) as refused:
        await soon(peer.accept(offer))
    monkeypatch.undo()
    assert refused.value.problem.code is ErrorCode.CAPACITY
    peer.close()
    await page.close()
    await peers.close()


async def test_no_name_is_ever_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def look_up(subscriber: object) -> None:
        asked.append(subscriber)

    monkeypatch.setattr(aioice_ice, "get_or_create_mdns_protocol", look_up)
    names = ("5a1e8f0c-93ab.local", "5A1E8F0C-93AB.LOCAL")
    lines = [f"candidate:1 1 udp 2122260223 {name} 50000 typ host" for name in names]
    page, _, _ = new_page()
    peers = AiortcPeers(AiortcSettings())
    peer = peers.create(Heard().handlers)
    assert not await peer.add_candidate(IceCandidate(candidate=lines[0]))
    await peer.accept(await offer_of(page) + "".join(f"a={line}\r\n" for line in lines))
    for line in lines:
        assert not await peer.add_candidate(IceCandidate(candidate=line))
    assert asked == []
    peer.close()
    await page.close()
    await peers.close()
