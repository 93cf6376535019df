"""Where no connection can be made, both clients say so in words and in time, and the page goes on trying."""

import asyncio
import socket
from contextlib import ExitStack

import pytest
from bench.lab.chromium import refusals_of
from bench.lab.coturn import running_coturn
from bench.lab.laboratory import Lab
from bench.lab.rules import GATEWAY_PUBLIC, STUN_PORT, TURN_PUBLIC, Door, Way
from bench.lab.servers import LATE, STUN_URL, ice_settings, signaling_beside

from contracts.tokens import owner_key

from .person import asked, connected, opened, read_notice
from .turn_client import Credentials, TurnClient

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

# The page gives an attempt 15 s, the Python client 20 s.
NOTICE_MS = 45_000
PYTHON_S = 30.0
BACK_MS = 30_000
UNAUTHORIZED, QUOTA, NOT_REACHED = 401, 486, 701
UNREACHABLE = "its relay cannot be reached from this network"
REFUSED = "its relay refused the password"
UNDER_WAY = {"signaling", "connecting", "reconnecting"}


async def page_says(lab: Lab, expected: str, url: str | None = None) -> set[int]:
    """Open the page, wait for its words, and return with which codes STUN and TURN servers refused it by then."""
    async with opened(lab, url) as page:
        assert expected in await read_notice(page, NOTICE_MS)
        assert await page.get_by_test_id("connection").get_attribute("data-state") in UNDER_WAY
        return set(await refusals_of(page))


async def python_says_why_not(lab: Lab, url: str | None = None) -> None:
    told = await lab.python_client("create a list called Nowhere", url=url)
    assert told["code"] == "connect_failed"
    assert "TURN" in told["detail"]
    assert told["took_s"] < PYTHON_S


@pytest.mark.long
async def test_a_turn_server_that_is_down_is_told_of_and_the_page_connects_when_it_is_back(lab: Lab) -> None:
    lab.network.set_up(Way())
    await lab.ground.turn.stop()
    try:
        async with opened(lab) as page, asyncio.TaskGroup() as group:
            group.create_task(python_says_why_not(lab))
            assert UNREACHABLE in await read_notice(page, NOTICE_MS)
            assert set(await refusals_of(page)) == {NOT_REACHED}
            await lab.ground.turn.start()
            await connected(page, BACK_MS)
            assert await asked(page, "what lists are there?") == "answered"
    finally:
        await lab.ground.turn.stop()
        await lab.ground.turn.start()


@pytest.mark.long
async def test_a_page_whose_relay_is_restarted_connects_again_and_its_request_is_answered(lab: Lab) -> None:
    lab.network.set_up(Way())
    async with opened(lab) as page:
        assert (await connected(page)).pair.local == "relay"
        await lab.ground.turn.stop()
        await lab.ground.turn.start()
        assert await asked(page, "what lists are there?") == "answered"
        assert (await connected(page)).pair.local == "relay"


@pytest.mark.long
async def test_a_turn_server_that_does_not_answer_is_told_of(lab: Lab) -> None:
    lab.network.set_up(Way(to_turn=False))
    await asyncio.gather(page_says(lab, UNREACHABLE), python_says_why_not(lab))
    assert lab.network.arrived()["from_turn"] == 0


@pytest.mark.long
async def test_a_turn_server_with_another_secret_is_told_of(lab: Lab) -> None:
    lab.network.set_up(Way())
    settings = ice_settings("not the secret that coturn knows")
    async with signaling_beside(lab.network, lab.stack, settings) as url:
        refusals, _ = await asyncio.gather(page_says(lab, REFUSED, url), python_says_why_not(lab, url))
    assert refusals == {UNAUTHORIZED}


@pytest.mark.long
async def test_credentials_that_have_expired_are_told_of(lab: Lab) -> None:
    lab.network.set_up(Way())
    settings = ice_settings(lab.ground.shared.now)
    async with signaling_beside(lab.network, lab.stack, settings, program=LATE) as url:
        refusals, _ = await asyncio.gather(page_says(lab, REFUSED, url), python_says_why_not(lab, url))
    assert refusals == {UNAUTHORIZED}


@pytest.mark.long
async def test_a_relay_that_may_not_go_to_the_gateways_is_told_of(lab: Lab) -> None:
    ground, address = lab.ground, GATEWAY_PUBLIC
    lab.network.set_up(Way(door=Door.TURN))
    settings = ice_settings(ground.shared.now, (f"turn:{address}:{STUN_PORT}?transport=udp",))
    async with (
        running_coturn(
            ground.network.server, ground.files, ground.shared, ground.certificate, address=address, gateways="10.9.9.9"
        ),
        signaling_beside(lab.network, lab.stack, settings) as url,
    ):
        await page_says(lab, "The relay was reached, but no gateway behind it", url)


@pytest.mark.long
async def test_that_there_is_no_relay_is_told(lab: Lab) -> None:
    lab.network.set_up(Way())
    async with signaling_beside(lab.network, lab.stack, {"STUN_URLS": STUN_URL}) as url:
        await asyncio.gather(page_says(lab, "it offers no relay", url), python_says_why_not(lab, url))


@pytest.mark.long
async def test_a_relay_without_room_for_this_owner_is_told_of(lab: Lab) -> None:
    lab.network.set_up(Way())
    taken = Credentials.signed(lab.ground.shared.now, owner_key("local", "me"))
    with ExitStack() as open_clients:
        while True:
            sock = lab.network.client.socket(socket.SOCK_DGRAM)
            client = open_clients.enter_context(TurnClient(sock, (TURN_PUBLIC, STUN_PORT), taken))
            if client.allocate().code == QUOTA:
                break
            open_clients.callback(client.give_back)
        assert QUOTA in await page_says(lab, "its relay has no room for this page")
