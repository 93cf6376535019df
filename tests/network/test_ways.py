"""A connection is made wherever there is a way, by the best way there is, and a whole turn goes over it.

Each with Chromium and our page, and with the Python client (aiortc). The counters of the network prove the way: what
the clients say of it is only the second witness.
"""

import pytest
from bench.lab.chromium import PAIR, Pair
from bench.lab.coturn import running_coturn
from bench.lab.laboratory import Lab
from bench.lab.rules import GATEWAY_PUBLIC, STUN_PORT, Door, Mapping, Passes, Way
from bench.lab.servers import STUN_URL, ice_settings, signaling_beside

from .person import Connected, asked, connected, opened

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# Sanity, not speed: bench.network measures that. The Python client waits 5 s for a STUN server that is out of reach.
SOON_MS = 5_000
AFTER_SILENCE_MS = 12_000
AMID_LOSS_MS = 15_000

DIRECT = Way(mapping=Mapping.NONE, door=Door.OPEN)
CONE = Way(mapping=Mapping.ENDPOINT_INDEPENDENT, door=Door.STATEFUL)
SYMMETRIC = Way(mapping=Mapping.ENDPOINT_DEPENDENT, door=Door.STATEFUL)
RELAYED = Way()
NO_UDP = Way(passes=Passes.TCP)
HTTPS_ONLY = Way(passes=Passes.HTTPS)


async def by_page(
    lab: Lab, way: Way, *, within_ms: float = SOON_MS, until: str = "", url: str | None = None
) -> Connected:
    """Connect the page over this way and have it answer; how it is connected at the end.

    `until` is the type of local candidate that a browser arrives at; until then another pair may serve.
    """
    lab.network.set_up(way)
    async with opened(lab, url) as page:
        made = await connected(page)
        assert 0 < made.connect_ms < within_ms
        if until:
            await page.wait_for_function(f"async () => (await ({PAIR})()).local === '{until}'", timeout=SOON_MS)
        assert await asked(page, "what lists are there?") == "answered"
        return await connected(page)


async def by_python(lab: Lab, way: Way, *, within_ms: float = SOON_MS, url: str | None = None) -> list[str]:
    """The same with the Python client: the types of both ends, and the protocol that reaches TURN."""
    lab.network.set_up(way)
    told = await lab.python_client("what lists are there?", url=url)
    assert told.get("outcome") == "answered", told
    assert 0 < told["connect_ms"] < within_ms
    return told["path"]


def assert_direct(lab: Lab) -> None:
    """What came from TURN, if anything, were tries of another pair."""
    arrived = lab.network.arrived()
    assert arrived["from_elsewhere"] > 2 * arrived["from_turn"]


def assert_relayed(lab: Lab, over: str, *, not_over: tuple[str, ...] = ()) -> None:
    """Everything came from TURN, and the client reached TURN in this manner."""
    arrived, sent = lab.network.arrived(), lab.network.sent()
    assert arrived["from_elsewhere"] == 0
    assert arrived["from_turn"] > 0
    assert sent[over] > 0
    assert [sent[name] for name in not_over] == [0] * len(not_over)


async def test_the_page_connects_directly_where_nothing_is_in_between(lab: Lab) -> None:
    pair = (await by_page(lab, DIRECT)).pair
    # STUN tells the same address that the browser hides as a host candidate; either may come first.
    assert pair.local in {"host", "srflx"}
    assert (pair.remote, pair.relay) == ("host", None)
    assert_direct(lab)


async def test_the_python_client_connects_directly_where_nothing_is_in_between(lab: Lab) -> None:
    assert await by_python(lab, DIRECT) == ["host", "host", "udp"]
    assert_direct(lab)


async def test_the_page_behind_a_cone_nat_meets_a_gateway_that_lets_only_answers_in(lab: Lab) -> None:
    """Both sides have to send first: the gateway learns where to from the page's server-reflexive candidate."""
    pair = (await by_page(lab, CONE, until="srflx")).pair
    assert (pair.local, pair.remote) == ("srflx", "host")
    assert_direct(lab)


@pytest.mark.long
async def test_the_python_client_behind_a_cone_nat_meets_a_gateway_that_lets_only_answers_in(lab: Lab) -> None:
    """With STUN alone: given TURN as well, aiortc takes the first pair that works, which is the relay's."""
    async with signaling_beside(lab.network, lab.stack, {"STUN_URLS": STUN_URL}) as url:
        local, remote, _ = await by_python(lab, CONE, url=url)
    assert remote == "host"
    assert local in {"host", "srflx"}  # aiortc names the socket that the answers come to
    assert_direct(lab)


async def test_the_same_gateway_needs_the_relay_where_the_nat_is_endpoint_dependent(lab: Lab) -> None:
    """The counterpart of the two above: a server-reflexive address is of no use to anybody but STUN's server."""
    made = await by_page(lab, SYMMETRIC)
    assert made.pair == Pair("relay", "host", "udp")
    assert_relayed(lab, "turn_udp")


async def test_the_page_takes_the_relay_over_udp(lab: Lab) -> None:
    made = await by_page(lab, RELAYED)
    assert made.pair == Pair("relay", "host", "udp")
    assert "relay/udp" in made.shown
    assert_relayed(lab, "turn_udp")


async def test_the_python_client_takes_the_relay_over_udp(lab: Lab) -> None:
    assert await by_python(lab, RELAYED) == ["relay", "host", "udp"]
    assert_relayed(lab, "turn_udp", not_over=("turn_tcp", "turn_tls"))


async def test_the_page_takes_the_relay_over_tcp_where_udp_is_blocked(lab: Lab) -> None:
    made = await by_page(lab, NO_UDP)
    assert made.pair == Pair("relay", "host", "tcp")
    assert "relay/tcp" in made.shown
    assert_relayed(lab, "turn_tcp", not_over=("turn_udp", "elsewhere"))


@pytest.mark.long
async def test_the_python_client_takes_the_relay_over_tcp_where_udp_is_blocked(lab: Lab) -> None:
    """aiortc uses one TURN address a connection, so the client tries the next after the silence of the first."""
    assert await by_python(lab, NO_UDP, within_ms=AFTER_SILENCE_MS) == ["relay", "host", "tcp"]
    assert_relayed(lab, "turn_tcp", not_over=("turn_udp", "turn_tls", "elsewhere"))


@pytest.mark.long
async def test_the_page_takes_the_relay_over_tls_where_only_https_is_let_out(lab: Lab) -> None:
    made = await by_page(lab, HTTPS_ONLY)
    assert made.pair == Pair("relay", "host", "tls")
    assert "relay/tls" in made.shown
    assert_relayed(lab, "turn_tls", not_over=("turn_udp", "turn_tcp", "elsewhere"))


@pytest.mark.long
async def test_the_python_client_takes_the_relay_over_tls_where_only_https_is_let_out(lab: Lab) -> None:
    assert await by_python(lab, HTTPS_ONLY, within_ms=2 * AFTER_SILENCE_MS) == ["relay", "host", "tls"]
    assert_relayed(lab, "turn_tls", not_over=("turn_udp", "turn_tcp", "elsewhere"))


@pytest.mark.long
@pytest.mark.parametrize(("passes", "over"), [(Passes.ALL, "udp"), (Passes.TCP, "tcp")])
async def test_one_machine_with_one_address_and_one_port_serves_gateway_and_turn(
    lab: Lab, passes: Passes, over: str
) -> None:
    ground, address = lab.ground, GATEWAY_PUBLIC
    turn = f"turn:{address}:{STUN_PORT}?transport="
    settings = ice_settings(ground.shared.now, (f"{turn}udp", f"{turn}tcp"), f"stun:{address}:{STUN_PORT}")
    async with (
        running_coturn(
            ground.network.server, ground.files, ground.shared, ground.certificate, address=address, gateways=address
        ),
        signaling_beside(lab.network, lab.stack, settings) as url,
    ):
        made = await by_page(lab, Way(passes=passes, door=Door.TURN), url=url)
    assert made.pair == Pair("relay", "host", over)


@pytest.mark.long
@pytest.mark.parametrize("percent", [2, 10])
async def test_the_page_talks_through_the_relay_while_packets_are_lost(lab: Lab, percent: int) -> None:
    made = await by_page(lab, Way(loss_percent=percent), within_ms=AMID_LOSS_MS)
    assert (made.pair.local, made.pair.remote) == ("relay", "host")
    assert lab.network.arrived()["from_elsewhere"] == 0


@pytest.mark.long
@pytest.mark.parametrize("percent", [2, 10])
async def test_the_python_client_talks_through_the_relay_while_packets_are_lost(lab: Lab, percent: int) -> None:
    assert await by_python(lab, Way(loss_percent=percent), within_ms=AMID_LOSS_MS) == ["relay", "host", "udp"]
    assert_relayed(lab, "turn_udp")
