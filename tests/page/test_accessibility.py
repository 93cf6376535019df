"""axe finds nothing to complain of in the page's main states: in both themes, on a wide and on a narrow screen."""

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page

from .conftest import Open
from .states import PHONE, WIDE, states

pytestmark = pytest.mark.browser

AXE: Final = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
NARROW_TOO: Final = ("receipts", "connection", "help", "editor", "problem", "board")
RUN: Final = """async (options) => {
    const { violations } = await axe.run({ resultTypes: ["violations"], ...options });
    return violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
        `${id} at ${target.join(" ")}: ${failureSummary.split("\\n").slice(1).join(" ").trim()}`));
}"""


EVERY_RULE: Final[dict[str, object]] = {}
ABOUT_COLOURS: Final[dict[str, object]] = {"runOnly": ["color-contrast", "link-in-text-block"]}


async def complaints(page: Page, rules: dict[str, object] = EVERY_RULE) -> list[str]:
    """Each violation of axe's rules (WCAG 2 A and AA, and its best practices), with where and why."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found = await page.evaluate(RUN, rules)
    assert isinstance(found, list)
    return [str(complaint) for complaint in found]


async def test_axe_finds_no_violation_in_any_state_in_either_theme_wide_or_narrow(open_page: Open) -> None:
    page = await open_page(reduced_motion="reduce")  # what is half faded in has no contrast of its own yet
    found: dict[str, list[str]] = {}
    async for state in states(page):
        for size in (WIDE, PHONE) if state in NARROW_TOO else (WIDE,):
            await page.set_viewport_size(size)
            # Of all rules only those about colours can find another theme different.
            for theme, rules in (("light", EVERY_RULE), ("dark", ABOUT_COLOURS)):
                await page.emulate_media(color_scheme=theme)
                found[f"{state}, {theme}, {size['width']} px"] = await complaints(page, rules)
        if state != "board":
            await page.set_viewport_size(WIDE)
    assert len(found) == (12 + len(NARROW_TOO)) * 2
    assert {state: complained for state, complained in found.items() if complained} == {}


async def test_axe_sees_a_fault_where_there_is_one(page: Page) -> None:
    await page.get_by_test_id("help").evaluate("button => button.removeAttribute('aria-label')")
    await page.get_by_test_id("help").evaluate("button => button.removeAttribute('title')")
    assert [complaint for complaint in await complaints(page) if complaint.startswith("button-name")] != []
    await page.evaluate("document.querySelector('h1').style.color = 'rgb(40 40 40)'")
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert [complaint for complaint in await complaints(page, ABOUT_COLOURS) if complaint.startswith("color")] != []
