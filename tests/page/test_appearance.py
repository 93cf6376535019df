"""Themes, the width of the panels, the keys that work everywhere, and the narrow screen."""

import re

import pytest
from playwright.async_api import Page, expect

from .conftest import Open, connected

pytestmark = pytest.mark.browser

PHONE = (390, 844)
GROUND = "getComputedStyle(document.body).backgroundColor"
CHAT_WIDTH = "document.querySelector('.chat').getBoundingClientRect().width"


async def leave_the_composer(page: Page) -> None:
    """Where a letter is a key and not text."""
    await page.get_by_test_id("help").focus()


async def test_the_theme_goes_from_the_systems_to_light_to_dark_by_pointer_and_key_and_is_kept(open_page: Open) -> None:
    page = await open_page(color_scheme="dark")
    dark = await page.evaluate(GROUND)
    await page.get_by_test_id("theme").click()
    light = await page.evaluate(GROUND)
    assert light != dark
    await page.reload()
    await connected(page)
    assert await page.evaluate(GROUND) == light
    await leave_the_composer(page)
    await page.keyboard.press("t")
    await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    await page.emulate_media(color_scheme="light")
    assert await page.evaluate(GROUND) == dark
    await page.keyboard.press("t")
    await expect(page.get_by_role("button", name="Theme: as the system")).to_be_visible()
    assert await page.evaluate(GROUND) == light


async def test_nothing_is_painted_before_the_theme_is_known(page: Page) -> None:
    assert await page.locator("script[type=module]").get_attribute("blocking") == "render"


async def test_the_panels_are_made_wider_by_pointer_and_keyboard_and_stay_so(page: Page) -> None:
    divider = page.get_by_test_id("divider")
    usual = await page.evaluate(CHAT_WIDTH)
    box = await divider.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] / 2, 400)
    await page.mouse.down()
    await page.mouse.move(500, 420, steps=4)
    await page.mouse.up()
    dragged = await page.evaluate(CHAT_WIDTH)
    assert dragged == pytest.approx(500, abs=2)

    await divider.focus()
    await page.keyboard.press("ArrowRight")
    stepped = await page.evaluate(CHAT_WIDTH)
    assert stepped > dragged
    await expect(divider).to_have_attribute("aria-valuenow", str(round(stepped / 12.8)))
    await page.reload()
    await connected(page)
    assert await page.evaluate(CHAT_WIDTH) == pytest.approx(stepped, abs=1)
    await divider.focus()
    await page.keyboard.press("Home")
    assert await page.evaluate(CHAT_WIDTH) == 360  # never so narrow that nothing can be read
    await page.keyboard.press("End")
    assert await page.evaluate(CHAT_WIDTH) == 960
    await page.keyboard.press("Enter")
    assert await page.evaluate(CHAT_WIDTH) == usual
    await page.keyboard.press("End")
    await divider.dblclick()
    assert await page.evaluate(CHAT_WIDTH) == usual


async def test_the_sheet_of_keys_opens_by_pointer_and_keys_and_closes_by_escape(page: Page) -> None:
    sheet = page.get_by_test_id("help-sheet")
    await page.get_by_test_id("help").click()
    await expect(sheet).to_be_visible()
    for text in ("Stop the request that runs", "Search the lists", "Go between chat and lists"):
        await expect(sheet.get_by_text(text)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await expect(page.get_by_test_id("help")).to_be_focused()
    await page.keyboard.press("?")
    await expect(sheet).to_be_visible()
    await sheet.get_by_role("button", name="Close").press("Enter")
    await page.get_by_test_id("composer").press_sequentially("why?")
    await expect(sheet).to_be_hidden()
    await expect(page.get_by_test_id("composer")).to_have_value("why?")
    await page.keyboard.press("Control+/")
    await expect(sheet).to_be_visible()


async def test_keys_that_are_letters_can_be_switched_off_and_the_others_go_on(page: Page) -> None:
    await leave_the_composer(page)
    await page.keyboard.press("Control+/")
    await page.get_by_test_id("letter-keys").press("Space")
    await page.keyboard.press("Escape")
    theme = page.get_by_test_id("theme")
    for key in ("t", "c", "?"):
        await page.keyboard.press(key)
    await expect(theme).to_have_attribute("data-theme-is", "auto")
    await expect(page.get_by_test_id("connection-details")).to_be_hidden()
    await expect(page.get_by_test_id("help-sheet")).to_be_hidden()
    await page.keyboard.press("F6")
    await expect(page.get_by_test_id("composer")).not_to_be_focused()
    await page.keyboard.press("F6")
    await expect(page.get_by_test_id("composer")).to_be_focused()


async def test_a_slash_goes_to_the_composer_from_anywhere_else(page: Page) -> None:
    await leave_the_composer(page)
    await page.keyboard.press("/")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await expect(page.get_by_test_id("composer")).to_have_value("")


async def test_a_narrow_screen_shows_one_panel_chosen_by_tab_or_key(open_page: Open) -> None:
    page = await open_page(size=PHONE)
    chat, board = page.get_by_role("region", name="Chat"), page.get_by_role("region", name="Lists")
    await expect(chat).to_be_visible()
    await expect(board).to_be_hidden()
    await expect(page.get_by_test_id("divider")).to_be_hidden()
    await page.get_by_role("button", name="Lists").click()
    await expect(board).to_be_visible()
    await expect(chat).to_be_hidden()
    await page.keyboard.press("F6")
    await expect(page.get_by_test_id("composer")).to_be_focused()
    await expect(board).to_be_hidden()
    await page.keyboard.press("F6")
    await expect(board).to_be_visible()


async def test_a_person_who_wants_no_motion_gets_none(open_page: Open) -> None:
    page = await open_page(reduced_motion="reduce")
    await page.get_by_test_id("connection").click()
    moving = await page.evaluate("document.getAnimations().length")
    assert moving == 0
    details = page.get_by_test_id("connection-details")
    assert await details.evaluate("element => getComputedStyle(element).animationName") == "none"


async def test_with_a_finger_what_can_be_touched_is_large_enough(open_page: Open) -> None:
    page = await open_page(size=PHONE, has_touch=True, is_mobile=True)
    small = await page.evaluate(
        """() => [...document.querySelectorAll("header button, nav button, form button")]
            .filter((button) => button.offsetParent !== null)
            .map((button) => {
                const { height } = button.getBoundingClientRect();
                const more = getComputedStyle(button, "::after");  // what is touched may be more than what is drawn
                const added = more.content === "none" ? 0 : -(parseFloat(more.top) + parseFloat(more.bottom));
                return [button.getAttribute("aria-label") ?? button.textContent, height + Math.max(0, added || 0)];
            })
            .filter(([, height]) => height < 44)"""
    )
    assert small == []


async def test_a_page_says_who_it_is_in_landmarks(page: Page) -> None:
    for role in ("banner", "main"):
        await expect(page.get_by_role(role)).to_have_count(1)
    await expect(page.get_by_role("log", name=re.compile("."))).to_have_count(1)
    for name in ("Chat", "Lists"):
        await expect(page.get_by_role("region", name=name)).to_be_visible()
