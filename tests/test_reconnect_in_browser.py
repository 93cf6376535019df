"""A page that is reloaded, duplicated, or cut off by a gateway's death goes on as if nothing had been.

The stack asks for tokens, so that those travel as well.
"""

import asyncio
import json
import re
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta

import asyncpg
import psutil
import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, WebSocket, expect

from access.interface import Expected
from access.settings import AUDIENCE, LOCAL_ISSUER
from access.shared_secret import SharedSecrets
from local_stack.temporary import RunningStack, running_stack, temporary_directory

from .chaos.killer import children
from .page.moves import Moves
from .resume.processes import holding

pytestmark = pytest.mark.browser

BOUND_MS = 20_000
SECRET = secrets.token_urlsafe(48)
ANY = re.compile(r".+")
KEEP_PEERS = """
    const Peer = window.RTCPeerConnection;
    window.peers = [];
    window.RTCPeerConnection = class extends Peer {
        constructor(...given) { super(...given); window.peers.push(this); }
    };
"""
GATEWAY_ADDRESS = """async () => {
    const stats = await window.peers.at(-1).getStats();
    const transport = [...stats.values()].find(({ type }) => type === "transport");
    const remote = stats.get(stats.get(transport.selectedCandidatePairId).remoteCandidateId);
    return [remote.address, remote.port];
}"""


@pytest.fixture(scope="module")
async def own_stack() -> AsyncIterator[RunningStack]:
    """Not shared: its processes are killed."""
    with temporary_directory() as directory:
        # A stack on one machine ends at once, unless it is told to take its time.
        environ = {"AUTH_SECRET": SECRET, "DRAIN_S": "5"}
        async with running_stack(directory, "--standin", "--scale", "rtc-gateway=2", environ=environ) as running:
            yield running


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with await browser.new_context() as made:
        await made.add_init_script(KEEP_PEERS)
        yield made


@pytest.fixture
async def page(own_stack: RunningStack, context: BrowserContext) -> Page:
    return await entered(await context.new_page(), own_stack)


def token_for(owner: str, minutes: float = 60) -> str:
    expected = Expected(issuer=LOCAL_ISSUER, audience=AUDIENCE)
    return SharedSecrets((SECRET,), expected).mint(owner, timedelta(minutes=minutes))


async def entered(page: Page, stack: RunningStack) -> Page:
    """Open the page by a link of its owner's."""
    await page.goto(f"{stack.url}#t={token_for('ada')}")
    await connected(page)
    return page


async def connected(page: Page) -> None:
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected", timeout=BOUND_MS)


async def send(page: Page, text: str) -> Locator:
    """Type a request and send it; its card."""
    before = await page.get_by_test_id("turn").count()
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("composer").press("Enter")
    return page.get_by_test_id("turn").nth(before)


async def kept(page: Page, name: str) -> object:
    """What the page keeps in the tab's storage under this name."""
    return json.loads(await page.evaluate(f"sessionStorage.getItem('todo-agent.{name}')") or "null")


def sockets_from_now_on(page: Page) -> list[WebSocket]:
    """Signaling's: each is an attempt to connect."""
    sockets: list[WebSocket] = []

    def take(socket: WebSocket) -> None:
        sockets.append(socket)

    page.on("websocket", take)
    return sockets


async def session_of(page: Page) -> str:
    resume = await kept(page, "session")
    assert isinstance(resume, dict)
    return str(resume["session"])


def processes(stack: RunningStack, service: str) -> list[psutil.Process]:
    found = [process for name, process in children(psutil.Process(stack.pid)) if name.startswith(f"{service}-")]
    assert found
    return found


@contextmanager
def no_answers(stack: RunningStack) -> Iterator[None]:
    """Turns are accepted inside, and their answers wait for the end."""
    agents = processes(stack, "agent")
    for agent in agents:
        agent.suspend()
    try:
        yield
    finally:
        for agent in agents:
            agent.resume()


async def lists_named(stack: RunningStack, name: str) -> int:
    database = await asyncpg.connect(stack.database_url)
    try:
        return int(await database.fetchval("SELECT count(*) FROM todo_lists WHERE name = $1", name))
    finally:
        await database.close()


async def cancelled(stack: RunningStack, turn_id: str) -> None:
    """Return once the store has noted that this turn is not to be carried out."""
    database = await asyncpg.connect(stack.database_url)
    noted = "SELECT cancelled_at FROM turns WHERE operation_id = $1"
    try:
        async with asyncio.timeout(BOUND_MS / 1000):
            while await database.fetchval(noted, turn_id) is None:  # noqa: ASYNC110 - the row tells nobody
                await asyncio.sleep(0.01)
    finally:
        await database.close()


async def test_a_draft_and_a_turn_that_is_not_answered_survive_a_reload(own_stack: RunningStack, page: Page) -> None:
    session = await session_of(page)
    with no_answers(own_stack):
        card = await send(page, "create a list called Reloaded")
        await expect(card).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        turn_id = await card.get_attribute("data-turn-id")
        await page.get_by_test_id("composer").fill("and then buy mi")
        await page.reload()
        await connected(page)
        await expect(page.get_by_test_id("composer")).to_have_value("and then buy mi")
        await expect(page.get_by_test_id("turn")).to_have_attribute("data-turn-id", str(turn_id))
        await expect(page.get_by_test_id("turn")).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
    await expect(page.get_by_test_id("turn")).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
    assert await session_of(page) == session
    assert await lists_named(own_stack, "Reloaded") == 1
    # Answered, it comes back out of the session's history, once.
    await page.reload()
    await connected(page)
    await expect(page.get_by_test_id("turn")).to_have_attribute("data-turn-id", str(turn_id), timeout=BOUND_MS)
    await expect(page.get_by_test_id("turn")).to_have_attribute("data-outcome", "confirmed")


async def test_a_turn_that_is_stopped_while_every_gateway_is_dead_is_cancelled_when_there_is_one(
    own_stack: RunningStack, page: Page
) -> None:
    with no_answers(own_stack):
        card = await send(page, "create a list called Never")
        await expect(card).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        for gateway in processes(own_stack, "rtc-gateway"):
            gateway.kill()
        await page.keyboard.press("Escape")
        await expect(card.get_by_test_id("mark")).to_have_attribute("data-mark", "stopping")
        # No gateway has heard it, so it was asked for again.
        await cancelled(own_stack, str(await card.get_attribute("data-turn-id")))
    await expect(card).to_have_attribute("data-outcome", "cancelled", timeout=BOUND_MS)
    assert await lists_named(own_stack, "Never") == 0


async def test_gateways_killed_in_mid_conversation_are_replaced_and_the_turn_is_answered_once(
    own_stack: RunningStack, page: Page
) -> None:
    moves = await Moves.of(page)
    with no_answers(own_stack):
        card = await send(page, "create a list called Survived")
        await expect(card).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        for gateway in processes(own_stack, "rtc-gateway"):
            gateway.kill()
        await moves.wait_for("reconnecting")
        await connected(page)
    await expect(card).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
    await expect(page.get_by_test_id("turn")).to_have_count(1)
    assert await lists_named(own_stack, "Survived") == 1


async def test_a_gateway_that_is_told_to_stop_is_left_without_a_break(own_stack: RunningStack, page: Page) -> None:
    sockets = sockets_from_now_on(page)
    moves = await Moves.of(page)
    with no_answers(own_stack):
        card = await send(page, "create a list called Moved")
        await expect(card).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        address, port = await page.evaluate(GATEWAY_ADDRESS)
        _, gateway = holding(own_stack, (address, port))
        gateway.send_signal(signal.SIGTERM)
        await asyncio.to_thread(gateway.wait, BOUND_MS / 1000)
    await expect(card).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
    assert sockets
    assert moves.seen == []
    assert await lists_named(own_stack, "Moved") == 1


async def test_a_duplicated_tab_begins_a_session_of_its_own(
    own_stack: RunningStack, context: BrowserContext, page: Page
) -> None:
    with no_answers(own_stack):
        card = await send(page, "create a list called Twice")
        await expect(card).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        async with context.expect_page() as opening:
            await page.evaluate("window.open(location.href)")  # with a copy of the tab's storage
        copy = await opening.value
        await connected(copy)
        assert await session_of(copy) != await session_of(page)
        await expect(copy.get_by_test_id("turn")).to_have_count(0)
        await connected(page)
    await expect(card).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
    assert await lists_named(own_stack, "Twice") == 1


async def test_a_page_whose_session_was_taken_over_takes_it_back_when_asked_to(
    own_stack: RunningStack, browser: Browser
) -> None:
    async with await browser.new_context() as context:
        # As over plain HTTP: nothing tells a copy of a tab that it is one.
        await context.add_init_script("delete Navigator.prototype.locks")
        page = await entered(await context.new_page(), own_stack)
        session = await session_of(page)
        async with context.expect_page() as opening:
            await page.evaluate("window.open(location.href)")
        copy = await opening.value
        await connected(copy)
        assert await session_of(copy) == session
        await expect(page.get_by_test_id("notice")).to_contain_text("taken this conversation over", timeout=BOUND_MS)
        await page.get_by_role("button", name="Take it back").click()
        await connected(page)
        await expect(copy.get_by_test_id("notice")).to_contain_text("taken this conversation over", timeout=BOUND_MS)
        assert await session_of(page) == session


async def test_a_token_leaves_the_address_at_once_and_another_takes_its_place_on_the_living_channel(
    own_stack: RunningStack, context: BrowserContext
) -> None:
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.goto(own_stack.url)
    await expect(page.get_by_test_id("notice")).to_contain_text("open the link you were given", timeout=BOUND_MS)

    soon, later = token_for("ada", minutes=3), token_for("ada")
    await page.evaluate(f"location.hash = 't={soon}'")
    await connected(page)
    await expect(page).to_have_url(f"{own_stack.url}/")
    assert await kept(page, "token") == soon
    await expect(page.get_by_test_id("notice")).to_contain_text("Your sign-in ends in 3 minutes")

    sockets = sockets_from_now_on(page)
    await page.evaluate(f"location.hash = 't={later}'")
    await expect(page.get_by_test_id("notice")).to_have_count(0)
    assert await kept(page, "token") == later
    await page.evaluate(f"location.hash = 't={token_for('somebody else')}'")
    await expect(page.get_by_test_id("notice")).to_contain_text("not accepted for this conversation")
    await expect(page).to_have_url(f"{own_stack.url}/")
    assert await kept(page, "token") == later

    assert sockets == []
    # What every tab keeps, such as the theme, may be there; a token may not.
    shown = [await page.content(), *said, await page.evaluate("JSON.stringify(localStorage)")]
    assert [text for text in shown if any(token in text for token in (soon, later))] == []
