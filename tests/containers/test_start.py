"""`docker compose up`: from nothing to a page that works, and what it leaves alone when it is said again."""

import re
import time
from pathlib import Path

import httpx
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from playwright.async_api import Browser
from tests.containers.elsewhere import HOST
from tests.containers.engine import Engine
from tests.containers.machine import ROOT
from tests.containers.project import PAGE, STEPS, Project, running_project
from tests.containers.talking import DONE, opened, said, titles
from tests.mcp_clients.bridge import Caller
from tests.network.person import asked, connected

COLD_START_MAX_S = 120.0
SCREENSHOT = ROOT / "build" / "screenshots" / "containers.png"


async def test_from_nothing_to_a_page_that_answers(engine: Engine, model_url: str) -> None:
    with running_project(engine, {"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url}, HOST) as project:
        began = time.monotonic()
        project.up()
        assert (await said("create a list called Groceries"))[0] is DONE
        assert time.monotonic() - began < COLD_START_MAX_S


def test_every_container_is_healthy_and_every_step_has_ended_well(project: Project) -> None:
    found = project.containers()
    assert {one.service for one in found} >= {"page", "signaling", "rtc-gateway", "agent", "todo-store", "mcp-bridge"}
    assert [one.name for one in found if one.service not in STEPS and not one.healthy] == []
    assert {one.service: one.exit_code for one in found if one.service in STEPS} == dict.fromkeys(STEPS, 0)


async def test_a_client_is_answered_through_nginx(project: Project) -> None:
    assert (await said("create a list called Travel"))[0] is DONE
    assert (await said("add passport to Travel"))[0] is DONE
    assert (await titles())["Travel"] == ["passport"]


async def test_a_person_is_answered_in_a_browser(project: Project, browser: Browser) -> None:
    async with opened(browser) as page:
        await connected(page)
        assert await asked(page, "create a list called Weekend") == DONE.value
        assert await asked(page, "add hiking boots to Weekend") == DONE.value
        SCREENSHOT.parent.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(SCREENSHOT))
    assert (await titles())["Weekend"] == ["hiking boots"]


async def test_an_mcp_client_is_answered_through_nginx(project: Project) -> None:
    async with Client(streamable_http_client(f"{PAGE}/mcp")) as client:
        caller = Caller(client)
        made = await caller.done("create_todo_list", name="By MCP")
        await caller.done("create_todo_item", list_id=made["list_id"], title="milk")
        assert "milk" in await caller.titles()
    assert (await titles())["By MCP"] == ["milk"]


def test_the_page_is_compressed_and_kept_by_its_hash(project: Project) -> None:
    answer = httpx.get(PAGE, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    script = re.findall(r"/assets/[^\"]+[.]js", answer.text)[0]
    assert "immutable" in httpx.get(f"{PAGE}{script}").headers["Cache-Control"]


def test_up_again_changes_nothing(project: Project) -> None:
    before = {one.name: (one.id, one.started_at) for one in project.containers() if one.service not in STEPS}
    secrets = project.inside("signaling", "cat", "/run/secrets/turn_secret")
    project.up()
    assert {one.name: (one.id, one.started_at) for one in project.containers() if one.service not in STEPS} == before
    assert project.inside("signaling", "cat", "/run/secrets/turn_secret") == secrets
