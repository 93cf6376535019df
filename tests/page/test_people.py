"""What the tests of the page stand on."""

import pytest
from playwright.async_api import expect

from .conftest import BOUND_MS, Open, ask

pytestmark = pytest.mark.browser


async def test_two_people_see_their_own_lists_and_two_tabs_of_one_person_the_same(open_page: Open) -> None:
    ada, tab, grace = await open_page("ada"), await open_page("ada"), await open_page("grace")
    await ask(ada, "create a list called Groceries")
    await ask(grace, "create a list called Work")
    for page, name in ((ada, "Groceries"), (tab, "Groceries"), (grace, "Work")):
        await expect(page.get_by_test_id("list")).to_have_count(1, timeout=BOUND_MS)
        await expect(page.get_by_test_id("list")).to_have_attribute("data-list-name", name)
