"""The board: everything that a person can do with it, by pointer and by keys, read back from the rows in PostgreSQL."""

import re
import secrets
from typing import Final

import asyncpg
import pytest
from playwright.async_api import Locator, Page, expect

from .conftest import BOUND_MS, Open, ask

pytestmark = pytest.mark.browser

HOSTILE: Final = (
    "<img src=x onerror=\"document.title='owned'\">",
    "\u202eruof eerht owt eno",
    "شراء الحليب 🥛",
    "👩‍👩‍👧‍👦" * 20,
    "w" * 500,
)

HOLD: Final = """
const listen = RTCDataChannel.prototype.addEventListener;
RTCDataChannel.prototype.addEventListener = function (type, listener, options) {
  const heard = type !== 'message' ? listener : (event) => {
    if (window.__held === true && event.data.includes('"state.changed"')) return;
    listener.call(this, event);
  };
  return listen.call(this, type, heard, options);
};
"""


@pytest.fixture
def name() -> str:
    """Of a list that no other test has: rows are read back by it, whoever they belong to."""
    return f"Errands {secrets.token_hex(4)}"


def row(page: Page, title: str) -> Locator:
    return page.get_by_test_id("item").filter(has=page.get_by_role("checkbox", name=title, exact=True))


def box(page: Page, title: str) -> Locator:
    return page.get_by_role("checkbox", name=title, exact=True)


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name, exact=True)


async def titles(page: Page, name: str) -> list[str | None]:
    boxes = await card(page, name).get_by_role("checkbox").all()
    return [await found.get_attribute("aria-label") for found in boxes]


async def make_list(page: Page, name: str, *items: str) -> None:
    await page.get_by_test_id("new-list").click()
    await page.get_by_role("textbox", name="Name of the new list").fill(name)
    await page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name=f"New to-do in {name}", exact=True)
    for title in items:
        await field.fill(title)
        await field.press("Enter")
    await field.press("Escape")
    await shows(page, name, *items)


async def done(page: Page) -> None:
    """Every click is confirmed by the second read, and none came to anything else."""
    line = page.get_by_test_id("board-line")
    await expect(line).to_have_attribute("data-state", "completed", timeout=BOUND_MS)
    await expect(page.locator('[data-click="pending"]')).to_have_count(0, timeout=BOUND_MS)
    await expect(page.get_by_test_id("board-proof")).to_contain_text("verified")
    await expect(page.get_by_test_id("board-problem")).to_have_count(0)


async def shows(page: Page, name: str, *titles: str) -> None:
    """The list holds these, in this order, and every click that made it so is confirmed."""
    boxes = card(page, name).get_by_role("checkbox")
    await expect(boxes).to_have_count(len(titles), timeout=BOUND_MS)
    for index, title in enumerate(titles):
        await expect(boxes.nth(index)).to_have_attribute("aria-label", title, timeout=BOUND_MS)
    await done(page)


async def ticked(page: Page, title: str) -> None:
    await expect(row(page, title)).to_have_attribute("data-done", "true", timeout=BOUND_MS)
    await done(page)


async def stored(database: asyncpg.Connection, name: str) -> list[tuple[object, ...]]:
    """(title, done, notes, due, priority) of the rows of a list, in its order."""
    rows = await database.fetch(
        "SELECT i.title, i.done, i.notes, i.due, i.priority FROM todo_items i JOIN todo_lists l"
        " ON l.owner_key = i.owner_key AND l.id = i.list_id"
        " WHERE l.name = $1 AND l.deleted_at IS NULL AND i.deleted_at IS NULL ORDER BY i.position, i.id",
        name,
    )
    return [tuple(found) for found in rows]


async def stored_titles(database: asyncpg.Connection, name: str) -> list[object]:
    return [found[0] for found in await stored(database, name)]


async def lists_called(database: asyncpg.Connection, name: str) -> int:
    return int(await database.fetchval("SELECT count(*) FROM todo_lists WHERE name = $1 AND deleted_at IS NULL", name))


async def test_everything_with_a_pointer(page: Page, database: asyncpg.Connection, name: str) -> None:
    await make_list(page, name, "milk", "eggs", "bread")
    assert await stored_titles(database, name) == ["milk", "eggs", "bread"]

    await box(page, "milk").click()
    await ticked(page, "milk")
    await expect(row(page, "milk").get_by_test_id("click-mark")).to_contain_text("verified")
    assert (await stored(database, name))[0][1] is True

    await row(page, "eggs").get_by_role("button", name="Edit eggs").click()
    editor = page.get_by_test_id("editor")
    await editor.get_by_label("Title").fill("six eggs")
    await editor.get_by_label("Notes").fill("from the farm\nbrown ones")
    await editor.get_by_role("button", name="Tomorrow").click()
    await editor.get_by_label("Priority").select_option("high")
    await editor.get_by_role("button", name="Save").click()
    await expect(editor).to_have_count(0, timeout=BOUND_MS)
    (edited,) = [found for found in await stored(database, name) if found[0] == "six eggs"]
    tomorrow = str(await page.evaluate("new Date(Date.now() + 864e5).toLocaleDateString('sv')"))
    assert edited == ("six eggs", False, "from the farm\nbrown ones", tomorrow, "high")

    await card(page, name).get_by_role("button", name=f"What can be done with {name}").click()
    await page.get_by_role("menuitem", name="Rename").click()
    renamed = f"{name} again"
    await page.get_by_role("textbox", name="Rename").fill(renamed)
    await page.keyboard.press("Enter")
    await shows(page, renamed, "milk", "six eggs", "bread")
    assert await lists_called(database, renamed) == 1

    await row(page, "bread").hover()
    await page.get_by_role("button", name="What can be done with bread").click()
    await page.get_by_role("menuitem", name="Delete").click()
    await shows(page, renamed, "milk", "six eggs")
    assert await stored_titles(database, renamed) == ["milk", "six eggs"]
    await page.get_by_test_id("board-line").get_by_role("button", name="Undo").click()
    await expect(page.get_by_test_id("board-line")).to_contain_text("Took the change back", timeout=BOUND_MS)
    await shows(page, renamed, "milk", "six eggs", "bread")
    assert await stored_titles(database, renamed) == ["milk", "six eggs", "bread"]


async def test_everything_with_keys(page: Page, database: asyncpg.Connection, name: str) -> None:
    await page.get_by_test_id("new-list").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.type(name)
    await page.keyboard.press("Enter")
    for title in ("milk", "eggs", "bread"):
        await page.keyboard.type(title)
        await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await shows(page, name, "milk", "eggs", "bread")
    head = card(page, name).get_by_role("button", name=name, exact=True)
    await expect(head).to_be_focused()

    await page.keyboard.press("ArrowDown")
    await expect(box(page, "milk")).to_be_focused()
    await page.keyboard.press("Space")
    await ticked(page, "milk")
    await page.keyboard.press("Alt+ArrowDown")
    await shows(page, name, "eggs", "milk", "bread")
    await expect(box(page, "milk")).to_be_focused()
    assert [found[:2] for found in await stored(database, name)] == [("eggs", False), ("milk", True), ("bread", False)]

    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("six eggs")
    await page.keyboard.press("Enter")
    await expect(box(page, "six eggs")).to_be_focused(timeout=BOUND_MS)
    await done(page)

    await page.keyboard.press("n")
    await page.keyboard.type("tea")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Escape")
    await shows(page, name, "six eggs", "milk", "bread", "tea")
    assert await stored_titles(database, name) == ["six eggs", "milk", "bread", "tea"]

    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Delete")
    await expect(box(page, "milk")).to_be_focused()
    await shows(page, name, "milk", "bread", "tea")
    assert await stored_titles(database, name) == ["milk", "bread", "tea"]
    await page.keyboard.press("ControlOrMeta+z")
    await expect(box(page, "six eggs")).to_be_visible(timeout=BOUND_MS)
    await shows(page, name, "six eggs", "milk", "bread", "tea")
    assert await stored_titles(database, name) == ["six eggs", "milk", "bread", "tea"]

    await head.focus()
    await page.keyboard.press("F2")
    await page.keyboard.press("End")
    await page.keyboard.type(" again")
    await page.keyboard.press("Enter")
    renamed = f"{name} again"
    await expect(card(page, renamed).get_by_role("button", name=renamed, exact=True)).to_be_focused(timeout=BOUND_MS)
    await done(page)
    await page.keyboard.press("ArrowLeft")
    await expect(card(page, renamed).get_by_role("checkbox")).to_have_count(0)
    await page.keyboard.press("Delete")
    await expect(card(page, renamed)).to_have_count(0)
    await done(page)
    assert await lists_called(database, renamed) == 0


async def test_the_buttons_of_a_row_its_menu_and_the_filters_with_keys(
    page: Page, database: asyncpg.Connection, name: str
) -> None:
    other = f"{name} too"
    await make_list(page, other, "passport")
    await make_list(page, name, "milk", "eggs")
    await box(page, "milk").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("editor").get_by_label("Title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(box(page, "milk")).to_be_focused()

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Edit milk")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="What can be done with milk")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Edit")).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Move to…")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("TOO")
    await page.keyboard.press("Enter")
    await expect(box(page, "milk")).to_be_focused()
    await shows(page, other, "passport", "milk")
    assert await stored_titles(database, other) == ["passport", "milk"]

    # The one that is ticked no longer fits, and the next one has the focus.
    await page.keyboard.press("s")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Open", exact=True)).to_be_focused()
    await page.keyboard.press("Space")
    await box(page, "passport").focus()
    await page.keyboard.press("Space")
    await expect(box(page, "passport")).to_have_count(0)
    await expect(box(page, "milk")).to_be_focused()
    await done(page)


async def test_a_to_do_is_moved_by_dragging_by_keys_and_by_the_menu(
    page: Page, database: asyncpg.Connection, name: str
) -> None:
    other = f"{name} too"
    await make_list(page, name, "milk", "eggs", "bread")
    await make_list(page, other, "passport")

    async def drag(title: str, to: Locator, part: float) -> None:
        await row(page, title).hover()
        start = await row(page, title).locator(".item-grip").bounding_box()
        end = await to.bounding_box()
        assert start is not None
        assert end is not None
        await page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        await page.mouse.down()
        await page.mouse.move(end["x"] + 40, end["y"] + end["height"] * 0.5, steps=4)
        await page.mouse.move(end["x"] + 40, end["y"] + end["height"] * part, steps=2)
        await page.mouse.up()

    await drag("bread", row(page, "milk"), 0.2)
    await shows(page, name, "bread", "milk", "eggs")
    assert await stored_titles(database, name) == ["bread", "milk", "eggs"]
    await drag("bread", row(page, "passport"), 0.8)
    await shows(page, other, "passport", "bread")
    assert await stored_titles(database, other) == ["passport", "bread"]
    await expect(page.locator(".drag-ghost")).to_have_count(0)

    await box(page, "bread").focus()
    await page.keyboard.press("Alt+ArrowUp")
    await page.keyboard.press("Alt+ArrowUp")
    await expect(box(page, "bread")).to_be_focused()
    await shows(page, name, "milk", "eggs", "bread")
    assert await stored_titles(database, name) == ["milk", "eggs", "bread"]
    announced = page.locator(".board-status [role=status]").filter(has_text="moves to")
    await expect(announced).to_contain_text(f"{name}”\u2069, 3 of 3")

    await page.keyboard.press("m")
    await expect(page.get_by_role("dialog").get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type(other.upper())
    await page.keyboard.press("Enter")
    await expect(box(page, "bread")).to_be_focused()
    await shows(page, other, "passport", "bread")
    assert await stored_titles(database, other) == ["passport", "bread"]

    await page.mouse.move(0, 0)
    start = await row(page, "milk").bounding_box()
    assert start is not None
    await page.mouse.move(start["x"] + 100, start["y"] + 10)
    await page.mouse.down()
    await page.mouse.move(start["x"] + 100, start["y"] + 60, steps=3)
    await expect(page.locator(".drag-ghost")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.mouse.up()
    await expect(page.locator(".drag-ghost")).to_have_count(0)
    assert await titles(page, name) == ["milk", "eggs"]


async def test_what_is_looked_for_is_found(page: Page, name: str) -> None:
    await make_list(page, name, "Crème brûlée", "tea", "call the bank")
    await box(page, "tea").click()
    await row(page, "call the bank").get_by_role("button", name="Edit call the bank").click()
    editor = page.get_by_test_id("editor")
    await editor.get_by_label("Due", exact=True).fill("2020-01-05")
    await editor.get_by_label("Priority").select_option("low")
    await editor.press("Control+Enter")
    await expect(editor).to_have_count(0, timeout=BOUND_MS)
    await done(page)
    board = page.get_by_role("region", name="Lists", exact=True)
    found = board.get_by_role("checkbox")

    await page.keyboard.press("Escape")
    await box(page, "tea").focus()
    await page.keyboard.press("s")
    await page.keyboard.type("BRULEE")
    await expect(found).to_have_count(1)
    await expect(found).to_have_attribute("aria-label", "Crème brûlée")
    await expect(board.get_by_text("1 of 3 to-dos")).to_be_visible()
    await page.keyboard.press("Escape")
    for press, title in (("Done", "tea"), ("Open", None)):
        await board.get_by_role("button", name=press, exact=True).click()
        if title is None:
            await expect(found).to_have_count(2)
        else:
            await expect(found).to_have_attribute("aria-label", title)
    await board.get_by_label("Due", exact=True).select_option("overdue")
    await expect(found).to_have_attribute("aria-label", "call the bank")
    await board.get_by_label("Priority").select_option("high")
    await expect(found).to_have_count(0)
    await expect(board).to_contain_text("Nothing fits")
    await board.get_by_role("button", name="Clear").click()
    await expect(found).to_have_count(3)


async def test_a_to_do_leads_to_the_turn_that_changed_it_last(page: Page, name: str) -> None:
    turn = await ask(page, f"create {name} and add milk to it")
    await row(page, "milk").hover()
    await expect(row(page, "milk")).to_have_attribute("data-pointed", "true")
    await row(page, "milk").get_by_role("button", name="last change").click()
    await expect(turn).to_be_focused()
    await page.mouse.move(0, 0)
    await expect(row(page, "milk")).to_have_attribute("data-pointed", "false")


async def test_two_tabs_and_another_person_stay_in_step(
    open_page: Open, database: asyncpg.Connection, name: str
) -> None:
    ada, tab, grace = await open_page("ada"), await open_page("ada"), await open_page("grace")
    await make_list(ada, name, "milk", "eggs")
    await expect(box(tab, "milk")).to_be_visible(timeout=BOUND_MS)
    await box(tab, "milk").click()
    await expect(row(ada, "milk")).to_have_attribute("data-done", "true", timeout=BOUND_MS)
    await expect(row(ada, "milk")).to_have_attribute("data-touched", re.compile("odd|even"))

    # What is typed in one tab outlives what the other does to the row, and is told.
    await row(ada, "eggs").get_by_role("button", name="Edit eggs").click()
    mine = ada.get_by_test_id("editor")
    await mine.get_by_label("Title").fill("eggs, ten")
    await row(tab, "eggs").get_by_role("button", name="Edit eggs").click()
    theirs = tab.get_by_test_id("editor")
    await theirs.get_by_label("Title").fill("eggs, six")
    await theirs.get_by_role("button", name="Save").click()
    await expect(theirs).to_have_count(0, timeout=BOUND_MS)
    await expect(mine.get_by_test_id("changed-elsewhere")).to_contain_text("eggs, six", timeout=BOUND_MS)
    await expect(mine.get_by_label("Title")).to_have_value("eggs, ten")
    await mine.get_by_role("button", name="Save").click()
    await expect(mine).to_have_count(0, timeout=BOUND_MS)
    assert await stored_titles(database, name) == ["milk", "eggs, ten"]
    await expect(box(tab, "eggs, ten")).to_be_visible(timeout=BOUND_MS)

    # And what is typed for a row that somebody deletes.
    await row(ada, "milk").get_by_role("button", name="Edit milk").click()
    await mine.get_by_label("Title").fill("oat milk")
    await box(tab, "milk").focus()
    await tab.keyboard.press("Delete")
    await expect(mine).to_contain_text("deleted elsewhere", timeout=BOUND_MS)
    await mine.get_by_role("button", name="Add it as a new to-do").click()
    await expect(box(tab, "oat milk")).to_be_visible(timeout=BOUND_MS)
    assert await stored_titles(database, name) == ["eggs, ten", "oat milk"]
    await expect(grace.get_by_test_id("list")).to_have_count(0)


async def test_a_click_on_what_is_gone_is_rolled_back_and_told(
    open_page: Open, database: asyncpg.Connection, name: str
) -> None:
    ada, tab = await open_page("ada"), await open_page("ada")
    await make_list(ada, name, "milk", "eggs")
    await tab.context.add_init_script(HOLD)
    await tab.reload()
    await expect(box(tab, "milk")).to_be_visible(timeout=BOUND_MS)
    # This tab is behind from here on: it hears of no change.
    await tab.evaluate("window.__held = true")
    await box(ada, "milk").focus()
    await ada.keyboard.press("Delete")
    await done(ada)
    await box(tab, "milk").click()
    problem = tab.get_by_test_id("board-problem")
    await expect(problem).to_contain_text("Ticking", timeout=BOUND_MS)
    await expect(problem).to_contain_text("Not found")
    await expect(row(tab, "milk")).to_have_attribute("data-done", "false")
    assert await stored_titles(database, name) == ["eggs"]

    # With the next change it finds that it has missed one, and reads the state.
    await tab.evaluate("window.__held = false")
    await box(ada, "eggs").click()
    await expect(box(tab, "milk")).to_have_count(0, timeout=BOUND_MS)
    await expect(row(tab, "eggs")).to_have_attribute("data-done", "true", timeout=BOUND_MS)
    await problem.get_by_role("button", name="Dismiss").click()
    await expect(problem).to_have_count(0)


async def test_a_to_do_is_dragged_with_a_finger(open_page: Open, database: asyncpg.Connection, name: str) -> None:
    phone = await open_page(size=(390, 800), has_touch=True, is_mobile=True)
    await phone.get_by_role("button", name="Lists").click()
    await make_list(phone, name, "milk", "eggs", "bread")
    grip = await row(phone, "bread").locator(".item-grip").bounding_box()
    first = await row(phone, "milk").bounding_box()
    assert grip is not None
    assert first is not None
    assert grip["width"] >= 24
    assert grip["height"] >= 44
    finger = await phone.context.new_cdp_session(phone)

    async def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    await touch("touchStart", (x, y))
    for step in range(1, 6):
        await touch("touchMove", (x, y + (first["y"] + 5 - y) * step / 5))
    await touch("touchEnd")
    await shows(phone, name, "bread", "milk", "eggs")
    assert await stored_titles(database, name) == ["bread", "milk", "eggs"]


async def test_hostile_titles_are_text_on_the_board(page: Page, database: asyncpg.Connection, name: str) -> None:
    await make_list(page, name, *HOSTILE)
    assert await stored_titles(database, name) == list(HOSTILE)
    assert await titles(page, name) == list(HOSTILE)
    assert await page.locator("img[src=x]").count() == 0
    assert await page.title() != "owned"
    for title in HOSTILE:
        await box(page, title).click()
        await ticked(page, title)
    assert all(found[1] for found in await stored(database, name))
    for size in ((390, 800), (1280, 800)):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        if size[0] < 800:
            await page.get_by_role("button", name="Lists").click()
        overflow = await page.locator(".board").evaluate("(board) => board.scrollWidth - board.clientWidth")
        assert overflow <= 0, f"the board is {overflow} px wider than its panel at {size[0]} px"
