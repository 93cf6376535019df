"""The main job as a person does it: sentences in a real browser, rows in PostgreSQL, a second page that follows."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from local_stack.temporary import RunningStack, running_stack, temporary_directory

pytestmark = pytest.mark.browser

BOUND_MS = 20_000
ANY = re.compile(r".+")


@pytest.fixture(scope="module")
async def stack() -> AsyncIterator[RunningStack]:
    """One of its own: what these sentences mean depends on every list that there is."""
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2") as running:
            yield running


@pytest.fixture(scope="module")
async def database(stack: RunningStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
async def page(stack: RunningStack, browser: Browser) -> AsyncIterator[Page]:
    async with await browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        yield await opened(await context.new_page(), stack.url)


@pytest.fixture(scope="module")
async def second_page(stack: RunningStack, browser: Browser) -> AsyncIterator[Page]:
    async with await browser.new_context(viewport={"width": 390, "height": 844}) as context:
        phone = await opened(await context.new_page(), stack.url)
        await phone.get_by_role("button", name="Lists").click()  # a narrow screen shows one of the two panels
        yield phone


async def opened(page: Page, url: str) -> Page:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.goto(url)
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "connected", timeout=BOUND_MS)
    assert errors == []
    return page


async def ask(page: Page, text: str) -> Locator:
    """Type a request, send it, and return its card once it is completed."""
    before = await page.get_by_test_id("turn").count()
    await page.get_by_test_id("composer").fill(text)
    await page.get_by_test_id("composer").press("Enter")
    card = page.get_by_test_id("turn").nth(before)
    await expect(card).to_have_attribute("data-outcome", ANY, timeout=BOUND_MS)
    return card


async def rows(database: asyncpg.Connection, list_name: str) -> dict[str, bool]:
    """Titles and done states of a list's living items, as PostgreSQL has them."""
    found = await database.fetch(
        "SELECT i.title, i.done FROM todo_items i JOIN todo_lists l ON l.owner_key = i.owner_key AND l.id = i.list_id "
        "WHERE l.name = $1 AND l.deleted_at IS NULL AND i.deleted_at IS NULL",
        list_name,
    )
    return {row["title"]: row["done"] for row in found}


async def test_a_conversation_changes_what_it_says_and_says_what_the_database_shows(
    page: Page, second_page: Page, database: asyncpg.Connection
) -> None:
    card = await ask(page, "create a list called Groceries")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    await expect(card.get_by_test_id("turn-text")).to_contain_text("Created the list “Groceries”.")
    await expect(card.get_by_test_id("verdict")).to_be_visible()
    assert [await phase.get_attribute("data-phase") for phase in await card.get_by_test_id("phase").all()] == [
        "plan",
        "execute",
        "confirm",
    ]
    await expect(_list(second_page, "Groceries")).to_be_visible(timeout=BOUND_MS)

    card = await ask(page, "add milk and eggs to Groceries")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    await expect(card.get_by_test_id("turn-text")).to_contain_text("Added “milk” and “eggs” to “Groceries”.")
    await expect(card.get_by_test_id("receipt-row")).to_have_count(2)
    assert await rows(database, "Groceries") == {"milk": False, "eggs": False}

    card = await ask(page, "create Travel and add passport to it")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    assert await rows(database, "Travel") == {"passport": False}

    card = await ask(page, "mark milk as done")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    assert await rows(database, "Groceries") == {"milk": True, "eggs": False}
    await expect(_item(second_page, "Groceries", "milk")).to_have_attribute("data-done", "true", timeout=BOUND_MS)

    card = await ask(page, "what is on Groceries?")
    await expect(card).to_have_attribute("data-outcome", "answered")
    await expect(card.get_by_test_id("turn-text")).to_contain_text("milk")
    await expect(card.get_by_test_id("turn-text")).to_contain_text("eggs")
    await expect(card.get_by_test_id("turn-text")).not_to_contain_text("passport")

    card = await ask(page, "delete eggs")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    assert await rows(database, "Groceries") == {"milk": True}
    await expect(_item(second_page, "Groceries", "eggs")).to_have_count(0, timeout=BOUND_MS)
    await expect(_item(page, "Groceries", "milk")).to_have_attribute("data-done", "true")


async def test_a_receipt_equals_the_journal(page: Page, database: asyncpg.Connection) -> None:
    before = await database.fetchval("SELECT max(revision) FROM changes")
    card = await ask(page, "create a list called Journal")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    change = await database.fetchrow("SELECT * FROM changes ORDER BY revision DESC LIMIT 1")
    assert change["revision"] == before + 1
    assert change["operation_id"] == await card.get_attribute("data-turn-id")
    images = await database.fetch("SELECT * FROM change_images WHERE revision = $1", change["revision"])
    assert len(images) == await card.get_by_test_id("receipt-row").count() == 1


async def test_a_title_that_is_markup_is_shown_as_text(page: Page, database: asyncpg.Connection) -> None:
    await ask(page, "create a list called Hostile")
    title = "<img src=x onerror=alert(1)>"
    card = await ask(page, f"add {title} to Hostile")
    await expect(card).to_have_attribute("data-outcome", "confirmed")
    assert await rows(database, "Hostile") == {title: False}
    await expect(_item(page, "Hostile", title)).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0


async def test_a_request_about_nothing_that_exists_changes_nothing_and_says_so(
    page: Page, database: asyncpg.Connection
) -> None:
    before = await database.fetchval("SELECT max(revision) FROM changes")
    card = await ask(page, "add tea to Nowhere")
    await expect(card).to_have_attribute("data-outcome", re.compile("not_found|clarify"))
    await expect(card.get_by_test_id("turn-text")).to_contain_text("Nothing was changed.")
    assert await database.fetchval("SELECT max(revision) FROM changes") == before


def _list(page: Page, name: str) -> Locator:
    return page.locator(f'[data-testid="list"][data-list-name="{name}"]')


def _item(page: Page, list_name: str, title: str) -> Locator:
    return _list(page, list_name).get_by_test_id("item").filter(has_text=title)
