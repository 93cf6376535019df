"""Pictures of the page's main states, light, dark and narrow, and what must be true of each of them.

They go to `build/screenshots`. With UPDATE_SCREENSHOT=1 the README's own, in `docs`, are made anew.
"""

import os
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page

from .conftest import Open
from .states import PHONE, ULTRAWIDE, WIDE, states

pytestmark = pytest.mark.browser

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "build" / "screenshots"
ULTRAWIDE_TOO: Final = ("empty", "clarify")
IN_README: Final = {"receipts-light-1280": "page.png", "clarify-dark-1280": "page-dark.png"}

# What reaches over an edge: the page sideways, and text that is cut off where nothing says so.
FAULTS: Final = """() => {
    const faults = [];
    const name = (node) => `${node.localName}.${node.className} "${node.textContent.trim().slice(0, 40)}"`;
    const sideways = document.documentElement.scrollWidth - window.innerWidth;
    if (sideways > 0) faults.push(`the page is ${sideways} px too wide`);
    const overlays = [...document.querySelectorAll("dialog[open], [popover]:popover-open")];
    for (const node of document.querySelectorAll("body *")) {
        if (!node.checkVisibility() || node.closest(".visually-hidden, svg") !== null) continue;
        const style = getComputedStyle(node);
        const texts = [...node.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
        const isCut = style.overflowX !== "visible" && node.scrollWidth > node.clientWidth + 1;
        const isTold = style.textOverflow === "ellipsis" && node.title !== "";
        const scrolls = style.overflowX === "auto";
        if (isCut && scrolls) faults.push(`scrolls sideways: ${name(node)}`);
        if (isCut && !scrolls && !isTold && node.tagName !== "TEXTAREA") faults.push(`cut: ${name(node)}`);
        const isBehind = overlays.some((overlay) => !overlay.contains(node));
        if (isBehind || texts.every(({ data }) => data.trim() === "")) continue;
        const { left, right } = node.getBoundingClientRect();
        if (left < -1 || right > window.innerWidth + 1) faults.push(`reaches over the edge: ${name(node)}`);
    }
    return faults;
}"""


async def picture(page: Page, name: str) -> bytes:
    FOLDER.mkdir(parents=True, exist_ok=True)
    taken = await page.screenshot(path=FOLDER / f"{name}.png")
    if os.environ.get("UPDATE_SCREENSHOT") and name in IN_README:
        (ROOT / "docs" / IN_README[name]).write_bytes(taken)
    return taken


async def test_nothing_is_cut_off_or_reaches_over_the_edge_in_any_state_theme_or_width(open_page: Open) -> None:
    page = await open_page(reduced_motion="reduce")
    faults: dict[str, list[str]] = {}
    async for state in states(page):
        for size in (WIDE, PHONE, ULTRAWIDE) if state in ULTRAWIDE_TOO else (WIDE, PHONE):
            await page.set_viewport_size(size)
            taken = []
            for theme in ("light", "dark"):
                await page.emulate_media(color_scheme=theme)
                name = f"{state}-{theme}-{size['width']}"
                taken.append(await picture(page, name))
                faults[name] = await page.evaluate(FAULTS)
            assert taken[0] != taken[1], f"{state} looks the same in both themes"
        if state != "board":
            await page.set_viewport_size(WIDE)
    assert len(faults) == (12 * 2 + len(ULTRAWIDE_TOO)) * 2
    assert {name: found for name, found in faults.items() if found} == {}


async def test_a_text_that_is_cut_off_would_be_noticed(page: Page) -> None:
    assert await page.evaluate(FAULTS) == []
    await page.evaluate("document.querySelector('h1').style.cssText = 'width: 20px; overflow: hidden'")
    assert [fault for fault in await page.evaluate(FAULTS) if fault.startswith("cut: h1")] != []
