"""What the page says of the language model, while that comes and goes, and what to do about it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import psutil
import pytest
from playwright.async_api import Browser, Page, expect
from tests.resume.model import HeldModel, held_model
from tests.resume.processes import named

from local_stack.temporary import RunningStack, running_stack, temporary_directory

from .conftest import BOUND_MS, ask, connected, send

pytestmark = pytest.mark.browser

OFTEN: Final = {"MODEL_LOOK_EVERY_S": "1", "MODEL_REPORT_EVERY_S": "1", "AGENTS_SILENT_AFTER_S": "3"}


async def says(page: Page, state: str, words: str) -> None:
    """The chip has this state, and the notice these words."""
    await expect(page.get_by_test_id("model")).to_have_attribute("data-state", state, timeout=BOUND_MS)
    await expect(page.get_by_test_id("notice")).to_contain_text(words)


async def test_a_stand_in_is_called_one_before_anything_is_asked_and_how_to_use_a_model_is_said(page: Page) -> None:
    chip, details = page.get_by_test_id("model"), page.get_by_test_id("model-details")
    await expect(chip).to_have_text("stand-in model", timeout=BOUND_MS)
    await expect(page.get_by_test_id("notice")).to_have_count(0)
    await chip.focus()
    await page.keyboard.press("Enter")
    await expect(details).to_contain_text("It is no language model")
    await expect(details).to_contain_text("Install LM Studio")
    await page.keyboard.press("Escape")
    await expect(details).to_be_hidden()
    await expect(chip).to_be_focused()


@pytest.fixture
async def model() -> AsyncIterator[HeldModel]:
    async with held_model() as held:
        yield held


@pytest.fixture
async def own_stack(model: HeldModel) -> AsyncIterator[RunningStack]:
    """Its model and its agent come and go."""
    with temporary_directory() as directory:
        async with running_stack(directory, "--model-url", model.url, environ=OFTEN) as running:
            yield running


def model_process() -> psutil.Process:
    (found,) = (child for child in psutil.Process().children() if "standin" in child.cmdline())
    return found


@contextmanager
def stopped(*processes: psutil.Process) -> Iterator[None]:
    """They do nothing inside, as though they were gone."""
    assert processes
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def place(http: httpx.AsyncClient, where: str) -> None:
    (await http.put("/__standin__/model", json=where)).raise_for_status()


@pytest.mark.long
async def test_a_model_that_is_missing_loading_or_unreachable_and_agents_that_are_gone_are_each_said_plainly(
    own_stack: RunningStack, model: HeldModel, browser: Browser
) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(own_stack.url)
        await connected(page)
        await expect(page.get_by_test_id("model")).to_have_attribute("data-state", "ready", timeout=BOUND_MS)

        await place(model.http, "absent")
        await says(page, "not_loaded", "No model loaded.")
        await page.get_by_test_id("notice").get_by_role("button", name="What to do").click()
        await expect(page.get_by_test_id("model-details")).to_contain_text("Load a model in LM Studio")
        await page.keyboard.press("Escape")
        failed = await ask(page, "create a list called Never")
        await expect(failed).to_have_attribute("data-outcome", "failed")
        await expect(page.get_by_test_id("list")).to_have_count(0)

        await place(model.http, "loaded")
        await expect(page.get_by_test_id("notice")).to_have_count(0, timeout=BOUND_MS)
        await model.hold()
        card = await send(page, "create a list called Later")
        await model.until_asked()
        await place(model.http, "not-loaded")  # it is being loaded for that request
        await says(page, "loading", "Model is loading.")
        await model.release()
        await expect(card).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
        await expect(page.get_by_test_id("notice")).to_have_count(0, timeout=BOUND_MS)

        with stopped(model_process()):
            await says(page, "unreachable", "No LM Studio.")
        await expect(page.get_by_test_id("notice")).to_have_count(0, timeout=BOUND_MS)

        with stopped(*named(own_stack, "agent").values()):
            await says(page, "no_agent", "No agent is running.")
            kept = await send(page, "create a list called Kept")
            await expect(kept).to_have_attribute("data-status", "accepted", timeout=BOUND_MS)
        await expect(kept).to_have_attribute("data-outcome", "confirmed", timeout=BOUND_MS)
        await expect(page.get_by_test_id("notice")).to_have_count(0, timeout=BOUND_MS)

        await place(model.http, "absent")
        await says(page, "not_loaded", "No model loaded.")
        await page.get_by_test_id("notice").get_by_role("button", name="Dismiss").click()
        await expect(page.get_by_test_id("notice")).to_have_count(0)
        await expect(page.get_by_test_id("model")).to_have_attribute("data-tone", "warn")
