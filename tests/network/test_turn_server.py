"""What the shipped configuration of coturn grants, asked by hand-made requests: our gateways, and nothing else."""

import asyncio
import itertools
import re
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench.lab import rules
from bench.lab.coturn import Secrets
from bench.lab.laboratory import Ground
from bench.lab.namespace import run
from bench.lab.rules import Mapping, Way

from .turn_client import BINDING, IPV6, SUCCESS, TCP, UDP, XOR_MAPPED_ADDRESS, Credentials, TurnClient

FORBIDDEN, UNSUPPORTED_FAMILY, WRONG_FAMILY, UNSUPPORTED_TRANSPORT = 403, 440, 443, 442
UNAUTHORIZED, QUOTA = 401, 486
FREE_TIMEOUT_S = 5.0
SOFTWARE, OTHER_ADDRESS, RESPONSE_ORIGIN = 0x8022, 0x802C, 0x802B
CONFIGURATION = Path(__file__).parents[2] / "deploy" / "coturn" / "turnserver.conf"

STRANGERS = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.8.8.8",
    "this machine": "0.0.0.0",  # noqa: S104
    "TURN's private address": rules.TURN_PRIVATE,
    "TURN's public address": rules.TURN_PUBLIC,
    "a neighbour of the gateways": rules.BYSTANDER,
    "the last address before the gateways'": "172.30.0.4",
    "link-local": "169.254.1.1",
    "cloud metadata": "169.254.169.254",
    "private, 10/8": "10.0.0.1",
    "private, 172.16/12": "172.16.0.1",
    "private, 192.168/16": "192.168.1.1",
    "carrier-grade NAT": "100.64.0.1",
    "the client's own router": rules.NAT_OUTSIDE,
    "a public address": "8.8.8.8",
    "multicast": "224.0.0.251",
    "broadcast": "255.255.255.255",
}
STRANGERS_IPV6 = {
    "loopback": "::1",
    "unspecified": "::",
    "loopback as IPv4-mapped": "::ffff:127.0.0.1",
    "the gateway as IPv4-mapped": f"::ffff:{rules.GATEWAY_PRIVATE}",
    "metadata as IPv4-mapped": "::ffff:169.254.169.254",
    "the gateway as NAT64": "64:ff9b::ac1e:5",
    "TURN's own IPv6 address": rules.TURN_IPV6,
    "a neighbour's IPv6 address": "fd00:30::5",
    "unique local": "fd00::1",
    "link-local": "fe80::1",
    "a public address": "2606:4700:4700::1111",
}


PORTS = itertools.count(20_000)
"""Of the clients, one after another: TURN keeps an allocation by its client's address, for a second after its end."""


@pytest.fixture(scope="module", autouse=True)
def way(ground: Ground) -> None:
    """No address is translated between client and TURN; there is a router in between."""
    ground.network.set_up(Way(mapping=Mapping.NONE))


@pytest.fixture
def credentials(ground: Ground) -> Credentials:
    """Good ones, of a user who has no allocation yet."""
    return Credentials.signed(ground.shared.now, secrets.token_hex(8))


def client_of(ground: Ground, credentials: Credentials | None = None, *, stream: bool = False) -> TurnClient:
    sock = ground.network.client.socket(socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    sock.bind((rules.CLIENT, next(PORTS)))
    return TurnClient(sock, (rules.TURN_PUBLIC, rules.STUN_PORT), credentials)


def option(name: str) -> str:
    """Its value in the configuration that is shipped."""
    return re.findall(rf"^{name}=(.*)$", CONFIGURATION.read_text(), re.MULTILINE)[0]


@pytest.fixture
def allocated(ground: Ground, credentials: Credentials) -> Iterator[TurnClient]:
    """A client with an allocation."""
    with client_of(ground, credentials) as client:
        assert client.allocate().code == SUCCESS
        yield client
        client.give_back()


@pytest.fixture
def listening(ground: Ground) -> Iterator[Callable[[str], socket.socket]]:
    """Makes UDP sockets of the gateway's, and of the bystander's."""
    made: list[socket.socket] = []

    def listen(address: str) -> socket.socket:
        home = ground.network.turn if address == rules.BYSTANDER else ground.network.server
        sock = home.socket(socket.SOCK_DGRAM)
        made.append(sock)
        sock.settimeout(5)
        sock.bind((address, 0))
        return sock

    yield listen
    for sock in made:
        sock.close()


def test_a_gateway_is_reached_through_a_router_and_its_answer_comes_back(
    allocated: TurnClient, listening: Callable[[str], socket.socket]
) -> None:
    """coturn 4.17.0 and 4.17.1 fail here: they answer with a TTL of 1, which no router hands on (their issue 2043)."""
    gateway = listening(rules.GATEWAY_PRIVATE)
    assert allocated.permission(rules.GATEWAY_PRIVATE).code == SUCCESS
    assert allocated.channel(rules.GATEWAY_PRIVATE).code == SUCCESS
    allocated.send(gateway.getsockname(), b"are you there?")
    data, relayed_from = gateway.recvfrom(2048)
    assert (data, relayed_from[0]) == (b"are you there?", rules.TURN_PRIVATE)
    gateway.sendto(b"yes", relayed_from)
    assert allocated.received() == b"yes"


@pytest.mark.parametrize("peer", STRANGERS.values(), ids=STRANGERS)
def test_nobody_but_a_gateway_is_reached(allocated: TurnClient, peer: str) -> None:
    assert allocated.permission(peer).code == FORBIDDEN
    assert allocated.channel(peer, number=0x4001).code == FORBIDDEN


@pytest.mark.parametrize("peer", STRANGERS_IPV6.values(), ids=STRANGERS_IPV6)
def test_no_spelling_of_an_ipv6_address_is_reached(allocated: TurnClient, peer: str) -> None:
    assert allocated.permission(peer).code == WRONG_FAMILY
    assert allocated.channel(peer, number=0x4002).code == WRONG_FAMILY


def test_what_is_sent_to_a_stranger_without_asking_does_not_arrive(
    allocated: TurnClient, listening: Callable[[str], socket.socket]
) -> None:
    gateway, bystander = listening(rules.GATEWAY_PRIVATE), listening(rules.BYSTANDER)
    assert allocated.permission(rules.GATEWAY_PRIVATE).code == SUCCESS
    assert allocated.permission(rules.BYSTANDER).code == FORBIDDEN
    allocated.send(bystander.getsockname(), b"for the bystander")
    allocated.send(gateway.getsockname(), b"for the gateway")  # one socket, one way: what was sent first arrives first
    assert gateway.recv(2048) == b"for the gateway"
    bystander.setblocking(False)
    with pytest.raises(BlockingIOError):
        bystander.recv(2048)


def test_no_ipv6_address_is_lent_though_the_machine_has_one(ground: Ground, credentials: Credentials) -> None:
    with client_of(ground, credentials) as client:
        assert client.allocate(family=IPV6).code == UNSUPPORTED_FAMILY


@pytest.mark.parametrize("stream", [False, True], ids=["asked over UDP", "asked over TCP"])
def test_tcp_is_not_relayed(ground: Ground, credentials: Credentials, stream: bool) -> None:
    with client_of(ground, credentials, stream=stream) as client:
        assert client.allocate(transport=TCP).code == UNSUPPORTED_TRANSPORT
        assert client.allocate(transport=UDP).code == SUCCESS
        assert client.connect(rules.GATEWAY_PRIVATE, 80).code == FORBIDDEN
        client.give_back()


@pytest.mark.parametrize("stream", [False, True], ids=["over UDP", "over TCP"])
def test_both_secrets_of_a_rotation_are_good(ground: Ground, stream: bool) -> None:
    for secret in (ground.shared.now, ground.shared.before):
        with client_of(ground, Credentials.signed(secret, "rotating"), stream=stream) as client:
            assert client.allocate().code == SUCCESS
            client.give_back()


@pytest.mark.parametrize(
    "credentials_of",
    [
        lambda shared: None,
        lambda shared: Credentials.signed("somebody else's secret", "probe"),
        lambda shared: Credentials.signed("", "probe"),
        lambda shared: Credentials.signed(shared.now, "probe", ttl_s=-60),
        lambda shared: Credentials("probe", shared.now),
    ],
    ids=["none", "wrong secret", "empty secret", "expired", "the secret itself"],
)
def test_nobody_without_good_credentials_gets_an_allocation(
    ground: Ground, credentials_of: Callable[[Secrets], Credentials | None]
) -> None:
    with client_of(ground, credentials_of(ground.shared)) as client:
        assert client.allocate().code == UNAUTHORIZED


async def test_an_owner_has_so_many_allocations_and_no_more(ground: Ground) -> None:
    """As many as the configuration says; another owner is not touched, and what is given back counts no more."""
    most = int(option("user-quota"))
    with ExitStack() as open_clients:

        def another(user: str) -> TurnClient:
            return open_clients.enter_context(client_of(ground, Credentials.signed(ground.shared.now, user)))

        clients = [another("greedy") for _ in range(most)]
        assert {client.allocate().code for client in clients} == {SUCCESS}
        late, somebody_else = another("greedy"), another("modest")
        assert late.allocate().code == QUOTA
        assert somebody_else.allocate().code == SUCCESS
        for client in (*clients, somebody_else):
            assert client.give_back().code == SUCCESS
        # coturn lets go of one a second after its end.
        async with asyncio.timeout(FREE_TIMEOUT_S):
            while another("greedy").allocate().code == QUOTA:  # noqa: ASYNC110 - another process tells nobody
                await asyncio.sleep(0.1)


def test_an_allocation_lasts_ten_minutes_however_long_is_asked_for(ground: Ground, credentials: Credentials) -> None:
    with client_of(ground, credentials) as client:
        answer = client.allocate(lifetime_s=86_400)
        assert answer.lifetime_s == 600
        client.give_back()


def test_stun_answers_everybody_and_says_no_more_than_the_address(ground: Ground) -> None:
    with client_of(ground) as client:
        answer = client.ask(BINDING)
    assert answer.code == SUCCESS
    assert XOR_MAPPED_ADDRESS in answer.attributes
    assert not {SOFTWARE, OTHER_ADDRESS, RESPONSE_ORIGIN} & set(answer.attributes)


def test_nothing_listens_but_stun_and_turn(ground: Ground) -> None:
    """No console, no web page, no metrics, no DTLS. Relay ports come and go."""
    said = run(*ground.network.turn.command("ss", "-Hlntu"))
    listening = {(protocol, at) for protocol, _, _, _, at, *_ in map(str.split, said.splitlines())}
    first, last = (int(option("min-port")), int(option("max-port")))
    others = {(protocol, at) for protocol, at in listening if not first <= int(at.rpartition(":")[2]) <= last}
    at = rules.TURN_PRIVATE
    assert others == {("udp", f"{at}:3478"), ("tcp", f"{at}:3478"), ("tcp", f"{at}:5349")}


@pytest.fixture
def over_tls(ground: Ground) -> Callable[[ssl.SSLContext], socket.socket]:
    """Connects to TURN's TLS port as it is published."""

    def connect(context: ssl.SSLContext) -> socket.socket:
        sock = ground.network.client.socket(socket.SOCK_STREAM)
        sock.settimeout(5)
        sock.connect((rules.TURN_PUBLIC, rules.PUBLISHED_TLS_PORT))
        return context.wrap_socket(sock, server_hostname=rules.TURN_PUBLIC)

    return connect


def test_turn_is_served_over_tls(
    ground: Ground, credentials: Credentials, over_tls: Callable[[ssl.SSLContext], socket.socket]
) -> None:
    context = ssl.create_default_context(cafile=str(ground.certificate.authority))
    with TurnClient(over_tls(context), None, credentials) as client:
        assert client.allocate().code == SUCCESS
        client.give_back()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_tls_older_than_1_2_is_refused(ground: Ground, over_tls: Callable[[ssl.SSLContext], socket.socket]) -> None:
    context = ssl.create_default_context(cafile=str(ground.certificate.authority))
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # ours would refuse it otherwise
    with pytest.raises(ssl.SSLError, match="alert"):
        over_tls(context)


def test_every_option_is_understood(ground: Ground) -> None:
    said = ground.turn.log.read_text(errors="replace")
    assert "Bad configuration format" not in said
    assert "CONFIG ERROR" not in said


def test_no_secret_is_in_its_arguments_or_its_log(ground: Ground) -> None:
    arguments = Path(f"/proc/{ground.turn.pid}/cmdline").read_text()
    assert f"{rules.TURN_PRIVATE}.conf" in arguments
    for text in (arguments, ground.turn.log.read_text(errors="replace")):
        assert ground.shared.now not in text
        assert ground.shared.before not in text
