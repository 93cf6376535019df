"""compose.dev.yml: sources of this folder run in the containers, and what is changed runs a moment later."""

import json
import os
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import Browser
from tests.containers.elsewhere import HOST
from tests.containers.engine import Engine, EngineError
from tests.containers.machine import ROOT
from tests.containers.project import Project, running_project
from tests.containers.talking import DONE, opened, said
from tests.network.person import asked, connected

FILES = ("compose.yml", "compose.dev.yml")
VITE = "http://localhost:5174"
BOUND_S = 30.0
AGAIN = " again\n"
"""How reload.py's line ends."""
SERVICES = {
    "todo-store": "services/todo-store/src/todo_store/__main__.py",
    "agent": "services/agent/src/agent/__main__.py",
    "rtc-gateway": "services/rtc-gateway/src/rtc_gateway/__main__.py",
    "signaling": "services/signaling/src/signaling/__main__.py",
    "mcp-bridge": "services/mcp-bridge/src/mcp_bridge/__main__.py",
}


@pytest.fixture(scope="module")
def project(engine: Engine, model_url: str) -> Iterator[Project]:
    files = [word for file in FILES for word in ("-f", file)]
    engine.make_images(json.loads(engine.compose(*files, "config", "--format", "json")))
    with running_project(engine, {"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url}, HOST, FILES) as project:
        project.up()
        yield project


def wait_until_ready(project: Project, service: str, restarts: int) -> None:
    """Until the service has been started again so many times, and says itself that it is ready."""
    until = time.monotonic() + BOUND_S
    while project.log_of(project.container(service)).count(AGAIN) < restarts or not ready(project, service):
        assert time.monotonic() < until, project.log_of(project.container(service))[-2000:]
        time.sleep(0.1)


def ready(project: Project, service: str) -> bool:
    try:
        project.inside(service, "python", "-m", f"{service.replace('-', '_')}.healthcheck")
    except EngineError:
        return False
    return True


@pytest.mark.parametrize(("service", "source"), SERVICES.items())
async def test_a_service_runs_from_the_sources_and_is_started_again_when_they_change(
    project: Project, service: str, source: str
) -> None:
    module = source.split("/")[-2]
    file = project.inside(service, "python", "-c", f"import {module};print({module}.__file__)").strip()
    assert file == f"/src/service/{module}/__init__.py"
    before = {one.name: (one.id, project.log_of(one).count(AGAIN)) for one in project.containers()}
    os.utime(ROOT / source)
    wait_until_ready(project, service, before[f"{service}-1"][1] + 1)
    after = {one.name: (one.id, project.log_of(one).count(AGAIN)) for one in project.containers()}
    assert {name for name in after if after[name] != before[name]} == {f"{service}-1"}
    assert after[f"{service}-1"][0] == before[f"{service}-1"][0]
    assert (await said(f"create a list called After {module.replace('_', ' ')}"))[0] is DONE


def test_a_change_of_what_all_share_starts_every_service_again(project: Project) -> None:
    before = {service: project.log_of(project.container(service)).count(AGAIN) for service in SERVICES}
    os.utime(ROOT / "packages/contracts/src/contracts/__init__.py")
    for service in SERVICES:
        wait_until_ready(project, service, before[service] + 1)


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
