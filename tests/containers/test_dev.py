"""compose.dev.yml: sources of this folder run in the containers, and what is changed runs a moment later."""

import json
import os
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import Browser
from tests.containers.elsewhere import HOST
from tests.containers.engine import Engine
from tests.containers.machine import ROOT
from tests.containers.project import Project, running_project
from tests.containers.talking import DONE, opened, said
from tests.network.person import asked, connected

FILES = ("compose.yml", "compose.dev.yml")
VITE = "http://localhost:5174"
BOUND_S = 30.0


@pytest.fixture(scope="module")
def project(engine: Engine, model_url: str) -> Iterator[Project]:
    files = [word for file in FILES for word in ("-f", file)]
    engine.make_images(json.loads(engine.compose(*files, "config", "--format", "json")))
    with running_project(engine, {"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url}, HOST, FILES) as project:
        project.up()
        yield project


def wait_for(project: Project, service: str, words: str, times: int) -> None:
    """Until a container's log has the words so many times."""
    until = time.monotonic() + BOUND_S
    while project.log_of(project.container(service)).count(words) < times:
        assert time.monotonic() < until, project.log_of(project.container(service))[-2000:]
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("service", "source"),
    [
        ("todo-store", "services/todo-store/src/todo_store/__main__.py"),
        ("agent", "services/agent/src/agent/__main__.py"),
        ("rtc-gateway", "services/rtc-gateway/src/rtc_gateway/__main__.py"),
        ("signaling", "services/signaling/src/signaling/__main__.py"),
        ("mcp-bridge", "services/mcp-bridge/src/mcp_bridge/__main__.py"),
    ],
)
async def test_a_service_runs_from_the_sources_and_is_started_again_when_they_change(
    project: Project, service: str, source: str
) -> None:
    module = source.split("/")[-2]
    file = project.inside(service, "python", "-c", f"import {module};print({module}.__file__)").strip()
    assert file == f"/src/services/{service}/src/{module}/__init__.py"
    before = project.container(service)
    again = f"starting {module} again"
    seen = project.log_of(before).count(again)
    os.utime(ROOT / source)
    wait_for(project, service, again, seen + 1)
    project.wait_until_healthy()
    after = project.container(service)
    assert (after.id, after.started_at) == (before.id, before.started_at)
    assert (await said(f"create a list called After {module.replace('_', ' ')}"))[0] is DONE


async def test_the_page_by_vite_is_answered_through_nginx(project: Project, browser: Browser) -> None:
    async with opened(browser, VITE) as page:
        await connected(page)
        assert await asked(page, "create a list called Modules") == DONE.value


async def test_a_change_of_the_page_reaches_the_open_browser(project: Project, browser: Browser) -> None:
    async with opened(browser, VITE) as page:
        await connected(page)
        async with page.expect_event("framenavigated", timeout=BOUND_S * 1000):
            os.utime(ROOT / "web/src/main.tsx")


def test_the_servers_can_be_looked_into_from_this_machine(project: Project) -> None:
    assert httpx.get("http://127.0.0.1:18222/jsz").json()["streams"] > 0
