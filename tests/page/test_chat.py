"""What a person asks is stopped, queued, tried again, changed and found again, and the rows say the same."""

import asyncio
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import psutil
import pytest
from playwright.async_api import Locator, Page, expect
from tests.chaos.killer import children

from local_stack.temporary import RunningStack

from .conftest import BOUND_MS, Open, ask, connected, send

pytestmark = pytest.mark.browser

LOW = (1280, 500)
LOOK_EVERY_S = 0.01
KEEP_CHANNELS = """
    const make = RTCPeerConnection.prototype.createDataChannel;
    window.channels = [];
    RTCPeerConnection.prototype.createDataChannel = function (...given) {
        const channel = make.apply(this, given);
        window.channels.push(channel);
        return channel;
    };
"""


@contextmanager
def no_answers(stack: RunningStack) -> Iterator[None]:
    """Turns are accepted inside, and their answers wait for the end."""
    agents = [process for name, process in children(psutil.Process(stack.pid)) if name.startswith("agent-")]
    assert agents
    for agent in agents:
        agent.suspend()
    try:
        yield
    finally:
        for agent in agents:
            agent.resume()


@pytest.fixture
def name() -> str:
    """Of a list that no other test has."""
    return f"List{secrets.token_hex(4)}"


async def titles(database: asyncpg.Connection, list_name: str) -> list[str] | None:
    """Titles of a list's living items, in their order; None where there is no such list."""
    found = await database.fetchrow(
        "SELECT owner_key, id FROM todo_lists WHERE name = $1 AND deleted_at IS NULL", list_name
    )
    if found is None:
        return None
    items = await database.fetch(
        "SELECT title FROM todo_items WHERE owner_key = $1 AND list_id = $2 AND deleted_at IS NULL ORDER BY position",
        *found.values(),
    )
    return [row["title"] for row in items]


async def asked(page: Page) -> list[str]:
    """The ids of the turns in the conversation, from the top."""
    ids: list[str] = await page.get_by_test_id("turn").evaluate_all(
        "(turns) => turns.map((turn) => turn.dataset.turnId)"
    )
    return ids


async def ended(card: Locator, outcome: str) -> None:
    await expect(card).to_have_attribute("data-outcome", outcome, timeout=BOUND_MS)


async def cancel_is_noted(database: asyncpg.Connection, card: Locator) -> None:
    """Return once the store has the mark by which it refuses to carry the turn out."""
    turn_id = await card.get_attribute("data-turn-id")
    noted = "SELECT cancelled_at FROM turns WHERE operation_id = $1"
    async with asyncio.timeout(BOUND_MS / 1000):
        while await database.fetchval(noted, turn_id) is None:  # noqa: ASYNC110 - the row tells nobody
            await asyncio.sleep(LOOK_EVERY_S)


@pytest.mark.parametrize("by", ["button", "Esc"])
async def test_a_turn_that_is_stopped_is_cancelled_and_the_database_shows_nothing_changed(
    page: Page, page_stack: RunningStack, database: asyncpg.Connection, name: str, by: str
) -> None:
    with no_answers(page_stack):
        card = await send(page, f"create a list called {name}")
        await expect(card.get_by_test_id("mark")).to_have_attribute("data-mark", "accepted", timeout=BOUND_MS)
        if by == "button":
            await page.get_by_test_id("stop").click()
        else:
            await page.keyboard.press("Escape")
        await expect(card.get_by_test_id("mark")).to_have_attribute("data-mark", "stopping")
        await cancel_is_noted(database, card)
    await ended(card, "cancelled")
    await expect(card.get_by_test_id("turn-text")).to_contain_text("Nothing was changed.")
    await expect(page.get_by_test_id("stop")).to_have_count(0)
    await expect(page.get_by_test_id("composer")).to_be_focused()
    assert await titles(database, name) is None

    await card.get_by_test_id("retry").click()
    again = page.get_by_test_id("turn").nth(1)
    await ended(again, "confirmed")
    assert await titles(database, name) == []


async def test_requests_queue_up_can_be_changed_and_taken_out_and_go_out_in_order(
    page: Page, page_stack: RunningStack, database: asyncpg.Connection, name: str
) -> None:
    composer, queued = page.get_by_test_id("composer"), page.get_by_test_id("queued")
    with no_answers(page_stack):
        await send(page, f"create a list called {name}")
        for title in ("milk", "eggs", "tea"):
            await composer.fill(f"add {title} to {name}")
            await composer.press("Enter")
        await expect(queued).to_have_count(3)
        await queued.nth(1).get_by_label("Take out").click()
        await composer.press("Alt+ArrowUp")
        await expect(composer).to_have_value(f"add tea to {name}")
        await expect(queued).to_have_count(1)
        await composer.fill(f"add green tea to {name}")
        await composer.press("Enter")
        await expect(queued).to_have_text([f"add milk to {name}", f"add green tea to {name}"])
    turns = page.get_by_test_id("turn")
    await expect(turns).to_have_count(3, timeout=BOUND_MS)
    for index in range(3):
        await ended(turns.nth(index), "confirmed")
    await expect(page.get_by_test_id("queue")).to_have_count(0)
    assert await titles(database, name) == ["milk", "green tea"]


async def test_what_waits_behind_a_turn_that_is_stopped_is_held_until_the_person_lets_it_go_on(
    page: Page, page_stack: RunningStack, database: asyncpg.Connection, name: str
) -> None:
    with no_answers(page_stack):
        card = await send(page, "create a list called Stopped")
        await expect(card).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        await page.get_by_test_id("composer").fill(f"create a list called {name}")
        await page.get_by_test_id("composer").press("Enter")
        await page.keyboard.press("Escape")
        await cancel_is_noted(database, card)
    await ended(card, "cancelled")
    await expect(page.get_by_test_id("queue")).to_have_attribute("data-held", "true")
    await expect(page.get_by_test_id("turn")).to_have_count(1)
    assert await titles(database, name) is None
    await page.get_by_test_id("go-on").press("Enter")
    await ended(page.get_by_test_id("turn").nth(1), "confirmed")
    assert await titles(database, name) == []


async def test_a_request_that_cannot_be_taken_comes_back_to_be_changed(
    page: Page, database: asyncpg.Connection, name: str
) -> None:
    card = await send(page, f"create a list\x07 called {name}")
    await expect(card.get_by_test_id("turn-problem")).to_contain_text("control character", timeout=BOUND_MS)
    await expect(card.get_by_test_id("mark")).to_have_attribute("data-mark", "rejected")
    composer = page.get_by_test_id("composer")
    await expect(composer).to_have_value(f"create a list\x07 called {name}")
    await ended(await ask(page, f"create a list called {name}"), "confirmed")
    assert await titles(database, name) == []


async def test_an_own_request_is_copied_changed_and_sent_again_as_a_new_one(
    open_page: Open, database: asyncpg.Connection, name: str
) -> None:
    page = await open_page(permissions=["clipboard-read", "clipboard-write"])
    card = await ask(page, f"create a list called {name}")
    await card.hover()
    await card.get_by_label("Copy request").click()
    await expect(card.get_by_text("Copied")).to_be_attached()
    assert await page.evaluate("navigator.clipboard.readText()") == f"create a list called {name}"

    await card.get_by_test_id("edit").click()
    composer = page.get_by_test_id("composer")
    await expect(composer).to_have_value(f"create a list called {name}")
    await expect(composer).to_be_focused()
    await composer.fill(f"add milk to {name}")
    await composer.press("Enter")
    await ended(page.get_by_test_id("turn").nth(1), "confirmed")

    await composer.press("Alt+ArrowUp")
    await expect(composer).to_have_value(f"add milk to {name}")
    await composer.press("Alt+ArrowUp")
    await expect(composer).to_have_value(f"create a list called {name}")
    assert await titles(database, name) == ["milk"]


async def test_a_reload_brings_the_draft_and_the_conversation_back_once_each_and_older_turns_as_they_are_looked_for(
    page: Page, name: str
) -> None:
    composer, turns = page.get_by_test_id("composer"), page.get_by_test_id("turn")
    for request in (*["what is left to do?"] * 21, f"create a list called {name}"):
        await composer.fill(request)
        await composer.press("Enter")
    await expect(turns).to_have_count(22, timeout=BOUND_MS)
    await ended(turns.last, "confirmed")
    before = await asked(page)
    assert len(set(before)) == 22
    await composer.fill("and then buy mi")
    await page.reload()
    await connected(page)
    await expect(composer).to_have_value("and then buy mi")
    await expect(turns).to_have_count(20, timeout=BOUND_MS)
    await expect(turns.last).to_be_in_viewport()
    assert await asked(page) == before[2:]
    await expect(turns.last.get_by_test_id("receipt-row")).to_have_count(1)
    await expect(page.get_by_test_id("turn-announced")).to_have_text("")

    await page.get_by_test_id("earlier").press("Enter")
    await expect(turns).to_have_count(22, timeout=BOUND_MS)
    assert await asked(page) == before
    await expect(page.get_by_test_id("earlier")).to_have_count(0)
    # What was being looked at is still in sight, and another turn finds its place behind them all.
    await expect(turns.nth(2)).to_be_in_viewport()
    await ended(await ask(page, f"what is on {name}?"), "answered")
    assert (await asked(page))[:-1] == before


async def test_what_is_written_offline_is_kept_and_sent_once_when_the_network_is_back(
    open_page: Open, database: asyncpg.Connection, name: str
) -> None:
    page = await open_page(script=KEEP_CHANNELS)
    await page.context.set_offline(True)
    await page.evaluate("window.channels.at(-1).close()")
    await expect(page.get_by_test_id("connection")).not_to_have_attribute("data-state", "connected", timeout=BOUND_MS)
    card = await send(page, f"create a list called {name}")
    await expect(card.get_by_test_id("mark")).to_have_attribute("data-mark", "waiting")
    await page.get_by_test_id("composer").fill("half a sentence")
    await page.context.set_offline(False)
    await connected(page)
    await ended(card, "confirmed")
    await expect(page.get_by_test_id("composer")).to_have_value("half a sentence")
    await expect(page.get_by_test_id("turn")).to_have_count(1)
    assert await database.fetchval("SELECT count(*) FROM todo_lists WHERE name = $1", name) == 1


async def test_the_log_stays_at_its_end_unless_its_reader_has_scrolled_up(
    open_page: Open, page_stack: RunningStack
) -> None:
    page = await open_page(size=LOW)
    for _ in range(3):
        card = await ask(page, "what are my lists?")
        await expect(card.get_by_test_id("turn-text")).to_be_in_viewport()
    with no_answers(page_stack):
        card = await send(page, "what are my lists?")
        await expect(card).to_be_in_viewport()
        await page.get_by_role("log").hover()
        await page.mouse.wheel(0, -1_000)
        await expect(page.get_by_test_id("to-newest")).to_have_text("Jump to newest")
        top = await page.get_by_role("log").evaluate("(log) => log.scrollTop")
    await ended(card, "answered")
    await expect(page.get_by_test_id("to-newest")).to_have_text("New answer")
    assert await page.get_by_role("log").evaluate("(log) => log.scrollTop") == top
    await page.get_by_test_id("to-newest").press("Enter")
    await expect(card.get_by_test_id("turn-text")).to_be_in_viewport()
    await expect(page.get_by_test_id("to-newest")).to_have_count(0)


async def test_an_empty_conversation_suggests_what_suits_the_lists(
    open_page: Open, database: asyncpg.Connection
) -> None:
    page = await open_page()
    suggestions = page.get_by_test_id("suggestion")
    await suggestions.filter(has_text="create a list called Groceries").click()
    await ended(page.get_by_test_id("turn"), "confirmed")

    tab = await open_page()
    await expect(suggestions).to_have_count(0)
    await tab.get_by_test_id("suggestion").filter(has_text="what is on Groceries?").press("Enter")
    await ended(tab.get_by_test_id("turn"), "answered")
    assert re.search("empty|nothing|no ", await tab.get_by_test_id("turn-text").inner_text(), re.IGNORECASE)
