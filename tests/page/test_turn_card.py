"""The card of a turn: what came of it, each change, taking it back, choosing, and what strangers write into it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest
from playwright.async_api import Locator, Page, expect

from bus.nats_bus import BusSettings, NatsBus
from contracts import subjects
from contracts.operations import CompleteItem
from contracts.permissions import MCP_BRIDGE
from contracts.todo import Author
from contracts.tokens import uuid7
from contracts.turns import OperationsCompleted, Outcome, RunOperations
from local_stack.passwords import load_or_make
from local_stack.temporary import RunningStack

from .conftest import BOUND_MS, Open, ask

pytestmark = pytest.mark.browser

PHONE: Final = (390, 844)
TABS_MAX: Final = 12
MARKUP: Final = "<img src=x onerror=window.hurt=1>"
TURNED: Final = "\u202egnp.exe"
EMOJI: Final = "👩‍👩‍👧‍👦 🥖🧀 👍🏽"
LONG: Final = "w" * 500

STICKING_OUT: Final = """log => [...log.querySelectorAll('*')]
    .filter(node => node.getBoundingClientRect().right > log.clientWidth + 1 && !node.closest('.visually-hidden'))
    .map(node => node.className)"""

Rows = Callable[[], Awaitable[dict[str, bool]]]


@pytest.fixture
async def rows(page: Page, database: asyncpg.Connection) -> Rows:
    """A person with milk on a list, on `page`; gives the titles of all their living items, and which are done."""
    await ask(page, f"create a list called {(name := f'Groceries {uuid7()[-8:]}')}")
    card = await ask(page, f"add milk to {name}")
    await expect(verdict(card)).to_have_text("Verified")
    owner = await database.fetchval("SELECT owner_key FROM todo_lists WHERE name = $1", name)

    async def living() -> dict[str, bool]:
        found = await database.fetch(
            "SELECT title, done FROM todo_items WHERE owner_key = $1 AND deleted_at IS NULL", owner
        )
        return {row["title"]: row["done"] for row in found}

    return living


@pytest.fixture
async def owner(page: Page, rows: Rows, database: asyncpg.Connection) -> str:
    """The key of the person of `page`."""
    name = await page.get_by_test_id("list").get_attribute("data-list-name")
    found: str = await database.fetchval("SELECT owner_key FROM todo_lists WHERE name = $1", name)
    return found


def verdict(card: Locator) -> Locator:
    """The turn's own, and not that of an undo."""
    return card.get_by_test_id("verdict").first


async def undone(card: Locator, words: str) -> None:
    await expect(card.get_by_test_id("undo-receipt").get_by_test_id("verdict")).to_have_text(words, timeout=BOUND_MS)


async def test_a_change_is_taken_back_and_made_again_by_pointer_each_with_its_own_receipt(
    page: Page, rows: Rows, database: asyncpg.Connection, owner: str
) -> None:
    card = page.get_by_test_id("turn").last
    await card.get_by_test_id("undo").click()
    await undone(card, "Undone · Verified")
    assert await rows() == {}
    await expect(card.get_by_test_id("undo-receipt").get_by_test_id("receipt-row")).to_contain_text("removed milk")
    await card.get_by_role("button", name="Redo").click()
    await undone(card, "Redone · Verified")
    assert await rows() == {"milk": False}
    changes = await database.fetch("SELECT revision, author FROM changes WHERE owner_key = $1 ORDER BY revision", owner)
    assert [change["author"] for change in changes] == ["chat", "chat", "board", "board"]
    await expect(card.get_by_test_id("revisions").nth(0)).to_have_text("r1 → r2")
    await expect(card.get_by_test_id("undo-line")).to_contain_text("r2 → r3")
    await expect(card.get_by_test_id("revisions").nth(1)).to_have_text("r3 → r4")


async def test_a_change_is_taken_back_by_keyboard_and_the_focus_stays_where_it_was(page: Page, rows: Rows) -> None:
    card = page.get_by_test_id("turn").last
    undo = card.get_by_test_id("undo")
    await page.get_by_test_id("composer").focus()
    for _ in range(TABS_MAX):
        await page.keyboard.press("Shift+Tab")
        if await undo.evaluate("button => button === document.activeElement"):
            break
    await expect(undo).to_be_focused()
    await page.keyboard.press("Enter")
    await undone(card, "Undone · Verified")
    assert await rows() == {}
    await expect(undo).to_be_focused()
    await expect(card.get_by_test_id("undo-announced")).to_contain_text("Undone · Verified. Took the change back.")
    await page.keyboard.press("Space")
    await undone(card, "Redone · Verified")
    assert await rows() == {"milk": False}


async def test_what_was_changed_since_is_left_alone_and_the_card_says_that(
    page: Page, open_page: Open, rows: Rows
) -> None:
    tab = await open_page()
    await ask(tab, "mark milk as done")
    card = page.get_by_test_id("turn").last
    await card.get_by_test_id("undo").click()
    await undone(card, "Not undone · Conflict")
    await expect(card.get_by_test_id("undo-text")).to_contain_text("Nothing was changed.")
    assert await rows() == {"milk": True}
    # Once the other has taken theirs back, this one can be taken back as well.
    await ask(tab, "undo")
    await card.get_by_role("button", name="Try again").click()
    await undone(card, "Undone · Verified")
    assert await rows() == {}


async def test_undo_in_the_chat_of_what_a_program_changed_since_is_a_conflict(
    page: Page, rows: Rows, owner: str, database: asyncpg.Connection, page_stack: RunningStack
) -> None:
    item = await database.fetchval("SELECT id FROM todo_items WHERE owner_key = $1", owner)
    operations = (CompleteItem(item_id=item),)
    asked = RunOperations(owner=owner, operation_id=uuid7(), author=Author.MCP, operations=operations)
    async with as_a_program(page_stack) as bus:
        done = await bus.request(subjects.OPS_RUN, asked, OperationsCompleted, timeout=BOUND_MS / 1000)
    assert done.outcome is Outcome.CONFIRMED
    card = await ask(page, "undo")
    await expect(card).to_have_attribute("data-outcome", "conflict")
    await expect(card.get_by_test_id("receipt")).to_have_attribute("data-face", "changed_since")
    await expect(card.get_by_test_id("receipt")).to_contain_text("Look at what the board shows now")
    await expect(card.get_by_test_id("undo")).to_have_count(0)
    assert await rows() == {"milk": True}


async def test_a_later_request_that_takes_a_change_back_is_named_on_its_card_and_leads_there(
    page: Page, rows: Rows
) -> None:
    card = page.get_by_test_id("turn").nth(await page.get_by_test_id("turn").count() - 1)
    later = await ask(page, "undo")
    await expect(verdict(later)).to_have_text("Verified")
    assert await rows() == {}
    await expect(card.get_by_test_id("undo-line")).to_contain_text("Undone by a later request")
    await card.get_by_test_id("show-turn").click()
    await expect(later).to_be_focused()
    await later.get_by_role("button", name="Redo").click()
    await undone(later, "Redone · Verified")
    assert await rows() == {"milk": False}


async def test_a_write_that_the_database_drops_is_refuted_and_never_green(
    page: Page, rows: Rows, owner: str, database: asyncpg.Connection
) -> None:
    async with dropped_writes(database, owner):
        card = await ask(page, "mark milk as done")
    await expect(card).to_have_attribute("data-outcome", "refuted")
    await expect(verdict(card)).to_have_attribute("data-tone", "bad")
    await expect(card.locator('[data-tone="good"]')).to_have_count(0)
    pair = card.get_by_test_id("receipt-pair")
    await expect(pair).to_have_attribute("data-matches", "false")
    await expect(pair).to_contain_text("open → done")
    await expect(pair).to_contain_text("nothing of it")
    assert await rows() == {"milk": False}


async def test_a_question_is_answered_by_its_buttons_with_the_keyboard_once(page: Page, rows: Rows) -> None:
    await ask(page, "create a list called Travel")
    card = await ask(page, "add tea")
    await expect(card.get_by_test_id("receipt")).to_have_attribute("data-face", "which_list")
    choices = card.get_by_test_id("candidate")
    await expect(choices).to_have_count(2)
    await choices.filter(has_text="Travel").focus()
    await page.keyboard.press("Enter")
    answer = page.get_by_test_id("turn").last
    await expect(answer.get_by_test_id("turn-text")).to_have_text("Added “tea” to “Travel”.", timeout=BOUND_MS)
    assert await rows() == {"milk": False, "tea": False}
    await expect(choices.filter(has_text="Travel")).to_have_attribute("aria-pressed", "true")
    for choice in await choices.all():
        await expect(choice).to_be_disabled()


async def test_a_question_that_was_passed_over_cannot_be_answered_with_its_button_any_more(
    page: Page, rows: Rows
) -> None:
    name = await page.get_by_test_id("list").get_attribute("data-list-name")
    card = await ask(page, f"delete the list {name}")
    await expect(card.get_by_test_id("receipt")).to_have_attribute("data-face", "sure")
    await expect(card.get_by_test_id("candidate")).to_be_enabled()
    declined = await ask(page, "no")
    await expect(declined.get_by_test_id("receipt")).to_have_attribute("data-face", "declined")
    await expect(card.get_by_test_id("candidate")).to_be_disabled()
    await expect(card).to_contain_text("Something else was asked since")
    assert await rows() == {"milk": False}


async def test_a_row_and_its_to_do_point_at_each_other_and_lead_to_each_other(page: Page, rows: Rows) -> None:
    card = page.get_by_test_id("turn").last
    row, item = card.get_by_test_id("receipt-row"), page.get_by_test_id("item")
    await row.hover()
    await expect(item).to_have_attribute("data-pointed", "true")
    await item.hover()
    await expect(row).to_have_attribute("data-pointed", "true")
    await page.get_by_test_id("composer").hover()
    await expect(item).to_have_attribute("data-pointed", "false")
    await row.get_by_test_id("receipt-link").focus()
    await expect(item).to_have_attribute("data-pointed", "true")
    await page.keyboard.press("Enter")
    await expect(item.get_by_role("checkbox")).to_be_focused()
    await item.hover()
    await item.get_by_role("button", name="Last change").click()
    await expect(card).to_be_focused()


async def test_a_row_leads_to_its_to_do_on_a_phone_too(open_page: Open) -> None:
    page = await open_page(size=PHONE)
    await ask(page, "create Travel and add passport to it")
    item = page.get_by_test_id("item")
    await expect(item).to_have_count(1)
    await expect(item).to_be_hidden()
    await page.get_by_test_id("receipt-row").filter(has_text="passport").click()
    await expect(item).to_be_in_viewport()
    await expect(page.get_by_test_id("composer")).to_be_hidden()
    await expect(item.get_by_role("checkbox")).to_be_focused()
    await expect(page.get_by_role("button", name="Lists")).to_have_attribute("aria-pressed", "true")


async def test_details_hold_the_receipt_and_the_trace_and_both_can_be_copied(page: Page, rows: Rows) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    card = page.get_by_test_id("turn").last
    await card.locator("summary").focus()
    await page.keyboard.press("Enter")
    receipt = json.loads(await card.get_by_test_id("receipt-json").inner_text())
    assert (receipt["verdict"], receipt["revision_before"], receipt["revision_after"]) == ("confirmed", 1, 2)
    await card.get_by_role("button", name="Copy the receipt as JSON").click()
    await expect(card.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    assert json.loads(await page.evaluate("navigator.clipboard.readText()")) == receipt
    await card.get_by_role("button", name="Copy the trace id").click()
    await expect(card.get_by_role("status").filter(has_text="Copied")).to_have_count(2)
    assert await page.evaluate("navigator.clipboard.readText()") == receipt["trace_id"]


@pytest.mark.parametrize("title", [MARKUP, TURNED, EMOJI, LONG], ids=["markup", "turned", "emoji", "long"])
async def test_a_hostile_title_is_text_that_fits_a_phone_in_card_and_receipt(
    open_page: Open, database: asyncpg.Connection, title: str
) -> None:
    page = await open_page(size=PHONE)
    await ask(page, f"create a list called {(name := f'L{uuid7()[-8:]}')}")
    card = await ask(page, f'add "{title}" to {name}')
    await expect(verdict(card)).to_have_text("Verified")
    stored = "SELECT i.title FROM todo_items i JOIN todo_lists l ON l.id = i.list_id WHERE l.name = $1"
    assert await database.fetchval(stored, name) == title
    shown = card.get_by_test_id("receipt-row").locator(".row-title")
    assert await shown.inner_text() == title
    await card.get_by_test_id("undo").click()
    await undone(card, "Undone · Verified")
    await card.locator("summary").last.click()
    await expect(card.get_by_test_id("receipt-json")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert await page.get_by_role("log").evaluate(STICKING_OUT) == []
    assert await page.evaluate("window.hurt") is None
    assert await page.locator("img").count() == 0


@asynccontextmanager
async def as_a_program(stack: RunningStack) -> AsyncIterator[NatsBus]:
    """The bus as mcp-bridge has it."""
    state = json.loads((stack.data / "stack.json").read_text())
    password = load_or_make(stack.data / "secrets.json").bus[MCP_BRIDGE.user]
    settings = BusSettings(state["nats_url"], MCP_BRIDGE.user, password, MCP_BRIDGE.inbox_prefix, MCP_BRIDGE.user)
    async with NatsBus.connected_to(settings) as bus:
        yield bus


@asynccontextmanager
async def dropped_writes(database: asyncpg.Connection, owner: str) -> AsyncIterator[None]:
    """For as long as this lasts, changes to this person's items are accepted and not written."""
    await database.execute(
        "CREATE FUNCTION drop_card_writes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
    )
    try:
        await database.execute(
            "CREATE TRIGGER drop_card_writes BEFORE UPDATE ON todo_items FOR EACH ROW "
            f"WHEN (OLD.owner_key = '{owner}') EXECUTE FUNCTION drop_card_writes()"
        )
        yield
    finally:
        await database.execute("DROP FUNCTION drop_card_writes CASCADE")
