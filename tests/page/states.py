"""The main states of the page, each reached from the one before: for what is true of all of them."""

from collections.abc import AsyncIterator
from typing import Final

from playwright.async_api import Page, expect

from .conftest import BOUND_MS, ask

WIDE: Final = {"width": 1280, "height": 800}
PHONE: Final = {"width": 390, "height": 844}
ULTRAWIDE: Final = {"width": 2560, "height": 1200}

CONVERSATION: Final = (
    "create a list called Groceries",
    "add bread due tomorrow with high priority to Groceries",
    "add milk, eggs and coffee to Groceries",
    "create Travel and add passport to it",
    "mark milk as done",
)


async def states(page: Page) -> AsyncIterator[str]:
    """Bring a page that is new and wide into one state after the other, and name each."""
    await expect(page.get_by_test_id("model").or_(page.get_by_test_id("connection")).first).to_be_visible()
    yield "empty"
    for sentence in CONVERSATION:
        await ask(page, sentence)
    await expect(page.get_by_test_id("list")).to_have_count(2, timeout=BOUND_MS)
    yield "receipts"
    await ask(page, "add tea to my shopping list")
    await expect(page.get_by_test_id("candidate").first).to_be_visible()
    yield "clarify"
    await ask(page, "add tea to Nowhere")
    yield "not_found"
    await page.get_by_test_id("connection").click()
    await expect(page.get_by_test_id("connection-details").locator(".fact")).not_to_have_count(0)
    yield "connection"
    await page.keyboard.press("Escape")
    await page.get_by_test_id("model").click()
    await expect(page.get_by_test_id("model-details")).to_be_visible()
    yield "model"
    await page.keyboard.press("Escape")
    await page.get_by_test_id("help").click()
    await expect(page.get_by_test_id("help-sheet")).to_be_visible()
    yield "help"
    await page.keyboard.press("Escape")
    await page.set_viewport_size(PHONE)
    await page.get_by_role("button", name="Lists").click()
    await page.set_viewport_size(WIDE)
    await page.get_by_role("button", name="What can be done with bread").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Move to…")).to_be_visible()
    yield "row_menu"
    await page.get_by_role("menuitem", name="Move to…").click()
    await expect(page.get_by_role("dialog").get_by_role("searchbox")).to_be_focused()
    yield "move"
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Edit bread").click()
    await expect(page.get_by_test_id("editor")).to_be_visible()
    yield "editor"
    await page.get_by_test_id("editor").get_by_label("Notes").fill("🥛" * 6_000)  # fits, but into no message
    await page.get_by_test_id("editor").get_by_role("button", name="Save").click()
    await expect(page.get_by_test_id("board-problem")).to_be_visible()
    yield "problem"
    await page.get_by_test_id("editor").get_by_role("button", name="Cancel").click()
    await page.get_by_test_id("board-problem").get_by_role("button", name="Dismiss").click()
    await page.set_viewport_size(PHONE)
    yield "board"
