"""A client on another machine that reaches the page and the one TURN port, and nothing else: the relay is its way in.

It is on the network of DOCKER_HOST_IP. The page is on this machine's loopback and is carried over, as by `ssh -L`; so
it stays on localhost, and what the client's firewall lets out is TURN's port alone.
"""

import socket
from collections.abc import AsyncIterator

import pytest
from bench.lab.forwarder import forwarded
from playwright.async_api import Browser
from tests.containers.elsewhere import HOST, Elsewhere, ThisMachine
from tests.containers.project import TURN_PORT, Project
from tests.containers.talking import DONE, opened, said_in
from tests.network.person import asked, connected
from tests.network.turn_client import SUCCESS, Credentials, TurnClient

FORBIDDEN = 403
UDP_ONLY = (f"ip daddr {HOST} udp dport {TURN_PORT}",)
TCP_ONLY = (f"ip daddr {HOST} tcp dport {TURN_PORT}",)


@pytest.fixture(autouse=True)
async def page(project: Project, elsewhere: Elsewhere) -> AsyncIterator[None]:
    """On the other machine's own localhost."""
    elsewhere.let_out(*UDP_ONLY, *TCP_ONLY)
    async with forwarded(elsewhere.client, ThisMachine(), 5173):
        yield


@pytest.fixture
def credentials(project: Project) -> Credentials:
    """As signaling of this project makes them."""
    return Credentials.signed(project.inside("signaling", "cat", "/run/secrets/turn_secret").strip(), "by-hand")


async def test_the_chat_works_through_the_relay(elsewhere: Elsewhere) -> None:
    told = await said_in(elsewhere.client, "create a list called Far")
    assert told.get("outcome") == DONE.value, told
    assert told["path"][0] == "relay"
    assert elsewhere.refused() > 0  # it did try the gateways' own addresses


async def test_a_page_works_through_the_relay(far_browser: Browser) -> None:
    async with opened(far_browser) as page:
        pair = (await connected(page)).pair
        assert (pair.local, pair.relay) == ("relay", "udp")
        assert await asked(page, "create a list called Far away") == DONE.value


async def test_where_udp_is_blocked_it_works_through_the_relay_over_tcp(elsewhere: Elsewhere) -> None:
    elsewhere.let_out(*TCP_ONLY)
    told = await said_in(elsewhere.client, "create a list called Slower")
    assert told.get("outcome") == DONE.value, told
    assert (told["path"][0], told["path"][2]) == ("relay", "tcp")


async def test_where_udp_is_blocked_a_page_works_over_tcp(elsewhere: Elsewhere, far_browser: Browser) -> None:
    elsewhere.let_out(*TCP_ONLY)
    async with opened(far_browser) as page:
        pair = (await connected(page)).pair
        assert (pair.local, pair.relay) == ("relay", "tcp")
        assert await asked(page, "create a list called Slower page") == DONE.value


async def test_without_the_relay_there_is_no_way(elsewhere: Elsewhere) -> None:
    """What the tests above show is the relay's doing, and not some other way that was forgotten."""
    elsewhere.let_out()
    told = await said_in(elsewhere.client, "create a list called Nowhere")
    assert told["code"] == "connect_failed"


def test_coturn_relays_to_the_gateways_and_to_nobody_else(
    project: Project, elsewhere: Elsewhere, credentials: Credentials
) -> None:
    gateways = [_on(project, "rtc-gateway", number, "relay") for number in (1, 2)]
    strangers = {
        "itself": _on(project, "coturn", 1, "relay"),
        "the host's end of its network": project.container("coturn").networks[f"{project.name}_relay"]["Gateway"],
        "NATS": _on(project, "nats", 1, "bus"),
        "PostgreSQL": _on(project, "postgres", 1, "data"),
        "signaling": _on(project, "signaling", 1, "front"),
        "a gateway where it meets the bus": _on(project, "rtc-gateway", 1, "bus"),
        "this machine": HOST,
        "loopback": "127.0.0.1",
        "cloud metadata": "169.254.169.254",
        "the internet": "8.8.8.8",
    }
    with TurnClient(elsewhere.client.socket(socket.SOCK_DGRAM), (HOST, TURN_PORT), credentials) as client:
        assert client.allocate().code == SUCCESS
        assert [client.permission(gateway).code for gateway in gateways] == [SUCCESS, SUCCESS]
        answers = {who: client.permission(address).code for who, address in strangers.items()}
        assert answers == dict.fromkeys(strangers, FORBIDDEN)
        client.give_back()


def test_nobody_is_relayed_without_a_password(elsewhere: Elsewhere) -> None:
    forged = Credentials.signed("not the secret", "by-hand")
    with TurnClient(elsewhere.client.socket(socket.SOCK_DGRAM), (HOST, TURN_PORT), forged) as client:
        assert client.allocate().code == 401


def _on(project: Project, service: str, number: int, network: str) -> str:
    return project.container(service, number).address_on(f"{project.name}_{network}")
