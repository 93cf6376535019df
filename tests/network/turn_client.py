"""A TURN client that says what it is told to, by a hand-made encoding (RFC 8489, 8656, 6062), and reports the answer.

It is blocking and sends each request once more a second for a few seconds, as the network below it loses nothing.
"""

import hashlib
import hmac
import ipaddress
import secrets
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.lab.servers import credentials

COOKIE: Final = 0x2112A442
ANSWER_TIMEOUT_S: Final = 1.0
TRIES: Final = 4

BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND, CONNECT = 1, 3, 4, 6, 7, 8, 9, 10
SUCCESS: Final = 0
"""What `ask` reports beside the error codes of the RFCs."""

_USERNAME, _INTEGRITY, _ERROR, _CHANNEL, _LIFETIME = 0x0006, 0x0008, 0x0009, 0x000C, 0x000D
_PEER, _DATA, _REALM, _NONCE, _RELAYED = 0x0012, 0x0013, 0x0014, 0x0015, 0x0016
_FAMILY, _TRANSPORT = 0x0017, 0x0019
XOR_MAPPED_ADDRESS: Final = 0x0020
UDP, TCP = 17, 6
IPV4, IPV6 = 1, 2

Peer = tuple[str, int]
Attributes = Sequence[tuple[int, bytes | Peer]]


@dataclass(frozen=True)
class Credentials:
    """As signaling makes them (draft-uberti-behave-turn-rest-00)."""

    username: str
    password: str = field(repr=False)

    @classmethod
    def signed(cls, secret: str, user: str, *, ttl_s: int = 600) -> "Credentials":
        """For `user`, from now on; `ttl_s` may lie in the past."""
        return cls(*credentials(secret, user, ttl_s=ttl_s))


@dataclass(frozen=True)
class Answer:
    """`code` is SUCCESS or the error's."""

    code: int
    attributes: dict[int, bytes]

    @property
    def lifetime_s(self) -> int:
        """Of the allocation."""
        seconds: int = struct.unpack("!I", self.attributes[_LIFETIME])[0]
        return seconds


class TurnClient:
    """One client on one socket, which is closed with it; a stream without a `server` is connected already."""

    def __init__(self, sock: socket.socket, server: Peer | None, credentials: Credentials | None = None) -> None:
        self._socket = sock
        self._stream = sock.type == socket.SOCK_STREAM
        self._server = server
        self._credentials = credentials
        self._realm = b""
        self._nonce = b""
        sock.settimeout(ANSWER_TIMEOUT_S)
        if self._stream and server is not None:
            sock.connect(server)

    def __enter__(self) -> "TurnClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def allocate(self, *, transport: int = UDP, family: int | None = None, lifetime_s: int | None = None) -> Answer:
        """Ask for an allocation; the first answer, a 401 with realm and nonce, is taken care of."""
        wanted: list[tuple[int, bytes | Peer]] = [(_TRANSPORT, struct.pack("!B3x", transport))]
        if family is not None:
            wanted.append((_FAMILY, struct.pack("!B3x", family)))
        if lifetime_s is not None:
            wanted.append((_LIFETIME, struct.pack("!I", lifetime_s)))
        answer = self.ask(ALLOCATE, wanted)
        if answer.code == 401 and not self._nonce and self._credentials is not None:
            self._realm, self._nonce = answer.attributes[_REALM], answer.attributes[_NONCE]
            answer = self.ask(ALLOCATE, wanted)
        return answer

    def permission(self, peer: str) -> Answer:
        return self.ask(CREATE_PERMISSION, [(_PEER, (peer, 0))])

    def channel(self, peer: str, *, number: int = 0x4000, port: int = 9) -> Answer:
        return self.ask(CHANNEL_BIND, [(_CHANNEL, struct.pack("!H2x", number)), (_PEER, (peer, port))])

    def connect(self, peer: str, port: int) -> Answer:
        """Ask for a TCP connection to a peer (RFC 6062 section 4.3)."""
        return self.ask(CONNECT, [(_PEER, (peer, port))])

    def give_back(self) -> Answer:
        """End the allocation."""
        return self.ask(REFRESH, [(_LIFETIME, struct.pack("!I", 0))])

    def send(self, peer: Peer, data: bytes) -> None:
        """A Send indication, which has no answer."""
        self._put(_encoded(SEND, 0x010, secrets.token_bytes(12), [(_PEER, peer), (_DATA, data)]))

    def received(self) -> bytes:
        """The content of the next Data indication. Raises TimeoutError."""
        _, _, attributes = self._message()
        return attributes[_DATA]

    def ask(self, method: int, attributes: Attributes = ()) -> Answer:
        """Send a request, signed where there are credentials and a nonce. Raises TimeoutError."""
        for _ in range(TRIES):
            transaction = secrets.token_bytes(12)
            self._put(self._signed(method, transaction, attributes))
            try:
                while True:
                    kind, answered, found = self._message()
                    if answered == transaction:
                        return Answer(_code(kind, found), found)
            except TimeoutError:
                if self._stream:
                    raise
        raise TimeoutError(f"{self._server} gave no answer")

    def _signed(self, method: int, transaction: bytes, attributes: Attributes) -> bytes:
        if self._credentials is None or not self._nonce:
            return _encoded(method, 0, transaction, attributes)
        username = self._credentials.username.encode()
        key = hashlib.md5(b":".join((username, self._realm, self._credentials.password.encode()))).digest()  # noqa: S324
        whole = [*attributes, (_USERNAME, username), (_REALM, self._realm), (_NONCE, self._nonce)]
        # Signed with a length that counts the signature.
        head = _encoded(method, 0, transaction, [*whole, (_INTEGRITY, bytes(20))])[:-24]
        return _encoded(method, 0, transaction, [*whole, (_INTEGRITY, hmac.digest(key, head, "sha1"))])

    def _put(self, data: bytes) -> None:
        if self._stream or self._server is None:
            self._socket.sendall(data)
        else:
            self._socket.sendto(data, self._server)

    def _message(self) -> tuple[int, bytes, dict[int, bytes]]:
        data = self._whole() if self._stream else self._socket.recv(2048)
        kind, length, _, transaction = struct.unpack("!HHI12s", data[:20])
        found: dict[int, bytes] = {}
        place = 20
        while place < 20 + length:
            name, size = struct.unpack("!HH", data[place : place + 4])
            found.setdefault(name, data[place + 4 : place + 4 + size])
            place += 4 + size + -size % 4
        return kind, transaction, found

    def _whole(self) -> bytes:
        data = self._exactly(20)
        return data + self._exactly(struct.unpack("!H", data[2:4])[0])

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return data


def _code(kind: int, attributes: dict[int, bytes]) -> int:
    if kind & 0x0110 == 0x0100:
        return SUCCESS
    error = attributes[_ERROR]
    return error[2] * 100 + error[3]


def _encoded(method: int, kind: int, transaction: bytes, attributes: Attributes) -> bytes:
    body = b""
    for name, given in attributes:
        value = given if isinstance(given, bytes) else _xored(given, transaction)
        body += struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)
    return struct.pack("!HHI12s", method | kind, len(body), COOKIE, transaction) + body


def _xored(peer: Peer, transaction: bytes) -> bytes:
    """XOR-PEER-ADDRESS (RFC 8489 section 14.2)."""
    address = ipaddress.ip_address(peer[0]).packed
    mask = struct.pack("!I", COOKIE) + transaction
    xored = bytes(one ^ other for one, other in zip(address, mask, strict=False))
    return struct.pack("!BBH", 0, IPV4 if len(address) == 4 else IPV6, peer[1] ^ (COOKIE >> 16)) + xored
