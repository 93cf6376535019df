"""Our own host candidates: which sockets a peer has, and which datagrams get in by them.

aioice binds any port of every address, hands each datagram that is no STUN to DTLS whoever sent it, through a queue
without bound, and lets a malformed one raise in the event loop; an empty datagram from anybody ends the connection.
"""

import asyncio
import errno
import logging
import secrets
import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, Connection, StunProtocol
from aioice.stun import Message

from contracts.message import ErrorCode, Problem
from rtc_gateway.addresses import IPAddress, PortRange
from rtc_gateway.peer import PeerError

log = logging.getLogger(__name__)

DATAGRAMS_MAX: Final = 1024
RECEIVE_BUFFER_BYTES: Final = 256 * 1024
ADDRESSES_MAX: Final = 16
"""That a page is heard from by one socket; those it has not used for the longest are forgotten."""
# How a datagram's first byte tells what it is, RFC 7983.
_STUN: Final = range(4)
_DTLS: Final = range(20, 64)
_COMPONENT: Final = 1
_NO_SOCKET: Final = Problem(
    code=ErrorCode.CAPACITY, detail="this gateway has no socket left; try again, another one may have room"
)
_NO_PORT: Final = Problem(
    code=ErrorCode.CAPACITY, detail="every UDP port of this gateway is in use; try again, another one may have room"
)
CLOSED: Final = Problem(code=ErrorCode.CONNECT_FAILED, detail="was closed before it was answered; make a new offer")
Take = Callable[[bytes, int], None]
"""Queues a datagram for DTLS."""


@dataclass
class Sockets:
    """Where a peer listens, and how many datagrams were dropped as not its page's, or as too many."""

    addresses: Callable[[], Sequence[IPAddress]]
    ports: PortRange | None
    dropped: int = 0
    _made: list["PeerDatagrams"] = field(default_factory=list, repr=False)

    def close(self) -> None:
        """Give back what is still open; aiortc has closed them where it closed as it should."""
        for protocol in self._made:
            protocol.give_up()
        self._made.clear()

    def gather_for(self, ice: Connection) -> None:
        """Let `ice` have a socket on each of `addresses`, and no other candidate."""
        take = ice.data_received

        def refuse(data: bytes, component: int) -> None:
            self.dropped += 1  # what aioice takes for data, though it begins as STUN does

        async def gather(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:
            made = self._made
            try:
                for address in self.addresses():
                    protocol = await self._listen(ice, address, take)
                    if protocol is not None:
                        made.append(protocol)
                    if ice._closing:
                        raise PeerError(CLOSED)  # what the connection gets now, nobody would close
                if not made:
                    log.error("no socket for a peer; are its addresses gone?")
                    raise PeerError(_NO_SOCKET)
            except BaseException:
                self.close()
                raise
            ice._protocols += made
            return [protocol.local_candidate for protocol in made]

        handle_check = ice.check_incoming

        def note_check(message: Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
            if isinstance(protocol, PeerDatagrams):
                protocol.checked_from(addr)
            handle_check(message, addr, protocol)

        ice.check_incoming = note_check  # type: ignore[method-assign]
        ice.get_component_candidates = gather  # type: ignore[method-assign]
        ice.data_received = refuse  # type: ignore[method-assign]

    async def _listen(self, ice: Connection, address: IPAddress, take: Take) -> "PeerDatagrams | None":
        """None where the address has gone meanwhile. Raises PeerError with `capacity`."""
        try:
            bound = self._bind(address)
        except OSError as error:
            log.warning("no socket", extra={"error_type": errno.errorcode.get(error.errno or 0, "unknown")})
            if error.errno == errno.EADDRNOTAVAIL:
                return None
            raise PeerError(_NO_SOCKET) from error
        if bound is None:
            log.warning("no port left", extra={"ports": str(self.ports)})
            raise PeerError(_NO_PORT)
        host, port = bound.getsockname()[:2]
        candidate = Candidate(
            foundation=candidate_foundation("host", "udp", host),
            component=_COMPONENT,
            transport="udp",
            priority=candidate_priority(_COMPONENT, "host"),
            host=host,
            port=port,
            type="host",
        )
        protocol = PeerDatagrams(ice, candidate, self, take)
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=bound)
        except BaseException:
            # A transport that uvloop was making when it was cancelled is there all the same.
            protocol.give_up()
            bound.close()
            raise
        return protocol

    def _bind(self, address: IPAddress) -> socket.socket | None:
        """A bound socket, or None where every port of the range is taken. Raises OSError."""
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        unbound = socket.socket(family, socket.SOCK_DGRAM)
        try:
            unbound.setblocking(False)
            unbound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            if self.ports is None:
                unbound.bind((str(address), 0))
                return unbound
            # From anywhere in the range: a port that was given back has late datagrams of its former peer coming.
            for port in self.ports.beginning_at(secrets.randbelow(len(self.ports))):
                try:
                    unbound.bind((str(address), port))
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
                else:
                    return unbound
        except BaseException:
            unbound.close()
            raise
        unbound.close()
        return None


class PeerDatagrams(StunProtocol):
    """One socket of a peer. STUN is checked by aioice, with the password; DTLS is taken from the page alone."""

    def __init__(self, ice: Connection, candidate: Candidate, sockets: Sockets, take: Take) -> None:
        super().__init__(ice)
        self.local_candidate = candidate
        self._sockets = sockets
        self._take = take
        self._connected = False
        self._checked_from: deque[tuple[str, int]] = deque(maxlen=ADDRESSES_MAX)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connected = True

    def checked_from(self, address: tuple[str, int]) -> None:
        """A check with the password came from there."""
        if address not in self._checked_from:
            self._checked_from.append(address)

    def give_up(self) -> None:
        """Close the socket, without waiting for it, if there is one and it is open."""
        if self._connected and not self.transport.is_closing():
            self.transport.abort()

    def datagram_received(self, data: bytes | str, addr: tuple[str | int, ...]) -> None:
        """Never raises: each datagram of a stranger's would be an error in the event loop's log."""
        if not isinstance(data, bytes) or not data:
            self._sockets.dropped += 1
        elif data[0] in _STUN:
            try:
                super().datagram_received(data, addr)
            except Exception as error:  # noqa: BLE001 - aioice's parser raises struct.error and KeyError too
                self._sockets.dropped += 1
                log.debug("malformed STUN dropped", extra={"error_type": type(error).__qualname__})
        elif data[0] in _DTLS and self.receiver._queue.qsize() < DATAGRAMS_MAX and self._is_of_page(addr[0], addr[1]):
            self._take(data, _COMPONENT)
        else:
            self._sockets.dropped += 1

    def _is_of_page(self, host: object, port: object) -> bool:
        """Whether the page was seen at this address: a check with the password came from there, or an answer to ours.
        Before a pair is chosen, whether it is one of the page's candidates."""
        ice = self.receiver
        nominated = ice._nominated.get(_COMPONENT)
        if nominated is None:
            return any(known._network_host == host and known.port == port for known in ice._remote_candidates)
        if nominated.protocol is self and nominated.remote_addr == (host, port):
            return True
        # The page may send by another pair than we do: where it nominates several at once, each end can have another of
        # them first, and aioice ends its own checks of the rest.
        if (host, port) in self._checked_from:
            return True
        return any(
            pair.protocol is self and pair.remote_addr == (host, port) and pair.state is CandidatePair.State.SUCCEEDED
            for pair in ice._check_list
        )
