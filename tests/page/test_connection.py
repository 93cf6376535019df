"""The connection as a person sees and tries it: the pill, its details, the switches of developers, no network."""

import json
import re

import pytest
from playwright.async_api import Locator, Page, expect

from .conftest import BOUND_MS, Open, ask, connected, send
from .moves import Moves

pytestmark = pytest.mark.browser


def fact(page: Page, name: str) -> Locator:
    """What the details say under a name."""
    facts = page.get_by_test_id("connection-details").locator(".fact")
    return facts.filter(has=page.get_by_text(name, exact=True)).locator("dd")


async def kept(page: Page, name: str) -> object:
    return json.loads(await page.evaluate(f"sessionStorage.getItem('todo-agent.{name}')") or "null")


async def test_the_pill_tells_the_path_and_the_round_trip_and_opens_the_details_at_a_click(open_page: Open) -> None:
    page = await open_page(permissions=["clipboard-read", "clipboard-write"])
    pill, details = page.get_by_test_id("connection"), page.get_by_test_id("connection-details")
    await expect(pill).to_have_text(re.compile(r"^Connected · (host|prflx) · [\d.]+ m?s$"), timeout=BOUND_MS)
    await expect(details).to_be_hidden()
    await pill.click()
    await expect(details).to_be_visible()
    await expect(fact(page, "ICE")).to_have_text("connected")
    for side in ("Local candidate", "Remote candidate"):
        await expect(fact(page, side)).to_contain_text(re.compile(r"(host|prflx)/udp"))
    await expect(fact(page, "Remote candidate")).to_contain_text(re.compile(r":\d+$"))
    await expect(fact(page, "Buffered")).to_have_text("0 B")
    await expect(fact(page, "Attempts")).to_have_text("1")
    await expect(fact(page, "Signed in as")).to_have_text(re.compile(r"^ada-"))

    session = await kept(page, "session")
    assert isinstance(session, dict)
    await expect(fact(page, "Session")).to_contain_text(session["session"])
    await fact(page, "Session").get_by_role("button").click()
    await expect(fact(page, "Session").get_by_role("status")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == session["session"]

    sent = await fact(page, "Sent / received").inner_text()
    await expect(fact(page, "Sent / received")).not_to_have_text(sent, timeout=BOUND_MS)  # a ping at the latest
    await page.mouse.click(5, 400)
    await expect(details).to_be_hidden()


async def test_the_details_are_opened_used_and_left_by_keyboard(page: Page) -> None:
    pill, details = page.get_by_test_id("connection"), page.get_by_test_id("connection-details")
    await pill.focus()
    await page.keyboard.press("Enter")
    await expect(details).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(details.get_by_role("button", name="Copy the session")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_test_id("force-relay")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_test_id("drop-connection")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(details).to_be_hidden()
    await expect(pill).to_be_focused()
    await page.keyboard.press("c")
    await expect(details).to_be_visible()


async def test_a_relay_that_is_forced_and_not_set_up_is_said_to_be_missing_while_the_old_way_serves(page: Page) -> None:
    moves = await Moves.of(page)
    await page.get_by_test_id("connection").click()
    await page.get_by_test_id("force-relay").focus()
    await page.keyboard.press("Space")
    notice = page.get_by_test_id("notice")
    await expect(notice).to_contain_text("“force relay” is on", timeout=BOUND_MS)
    await expect(notice).to_contain_text("set up TURN")
    await page.keyboard.press("Escape")
    await expect(await ask(page, "create a list called Served")).to_have_attribute("data-outcome", "confirmed")
    assert moves.seen == []

    await page.reload()  # the tab remembers, and now there is no old way
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-state", "failed", timeout=BOUND_MS)
    await expect(notice).to_contain_text("set up TURN")
    await expect(page.get_by_test_id("connection-announced")).to_contain_text("set up TURN")
    await notice.get_by_role("button", name="Allow any way").click()
    await connected(page)
    await expect(notice).to_have_count(0)
    await page.reload()
    await connected(page)


async def test_a_connection_that_is_dropped_comes_back_by_itself_and_what_was_written_is_there(page: Page) -> None:
    await page.get_by_test_id("composer").fill("add milk to Gro")
    session = await kept(page, "session")
    moves = await Moves.of(page)
    await page.get_by_test_id("connection").click()
    await page.get_by_test_id("drop-connection").click()
    await moves.wait_for("reconnecting")
    await moves.wait_for("connected")
    await connected(page)
    await expect(fact(page, "Attempts")).to_have_text("2", timeout=BOUND_MS)
    assert isinstance(session, dict)
    await expect(fact(page, "Session")).to_contain_text(session["session"])
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("composer")).to_have_value("add milk to Gro")
    await expect(await ask(page, "create a list called Dropped")).to_have_attribute("data-outcome", "confirmed")


async def test_without_a_network_the_page_says_so_counts_down_and_sends_what_was_written_later(page: Page) -> None:
    pill, notice = page.get_by_test_id("connection"), page.get_by_test_id("notice")
    await page.context.set_offline(True)
    await pill.click()
    await page.get_by_test_id("drop-connection").click()  # where the emulation lets WebRTC through
    await expect(pill).to_have_text("Offline", timeout=BOUND_MS)
    await expect(notice).to_contain_text("This device is offline; what you write is kept")
    await expect(notice).to_contain_text(re.compile(r"Next attempt in \d+ s\."), timeout=BOUND_MS)
    await expect(page.get_by_test_id("connection-announced")).to_contain_text("This device is offline")
    progress = page.get_by_test_id("connection-progress")
    await expect(progress).to_contain_text(re.compile(r"Next attempt in \d+ s\."), timeout=BOUND_MS)
    await progress.get_by_role("button", name="Try now").click()
    await page.keyboard.press("Escape")

    card = await send(page, "create a list called Offline")
    await page.get_by_test_id("composer").fill("and add mi")
    await expect(card).to_have_attribute("data-status", "sending")
    await page.context.set_offline(False)
    await connected(page)
    await expect(notice).to_have_count(0)
    await expect(card).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
    await expect(page.get_by_test_id("composer")).to_have_value("and add mi")
