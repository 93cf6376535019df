"""One engine with all images and one model for the session, and a project of its own for each module.

`engine`, `elsewhere`, `model_url`: for the session. `project`: started, healthy, with what a person's .env would say in
`ENVIRON` of the module. What containers wrote stays in `.cache/containers/logs`.
"""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bench.lab.certificate import Certificate, issue
from bench.lab.chromium import chromium_in
from playwright.async_api import Browser
from tests.containers import machine
from tests.containers.elsewhere import HOST, Elsewhere, another_machine
from tests.containers.engine import Engine, running_engine
from tests.containers.model import heard_at, running_model
from tests.containers.project import Project, running_project

HERE = Path(__file__).parent
SET_UP_S = 1800


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test waits for all images, and a stop of a container may take its grace period."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(SET_UP_S))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Docker or podman, with every image. What is missing is a failure: who asks for these tests wants to see them."""
    if reason := machine.why_not():
        pytest.fail(reason)
    for logs in (machine.CACHE / "logs").glob("todo-agent-test-*"):  # of earlier runs
        shutil.rmtree(logs)
    with running_engine() as running:
        running.make_images(json.loads(running.compose("config", "--format", "json")))
        yield running


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Elsewhere]:
    """Another machine of the network."""
    with another_machine() as other:
        yield other


@pytest.fixture(scope="session")
def model_url(engine: Engine, elsewhere: Elsewhere) -> Iterator[str]:
    """Of the stand-in model, as containers call it."""
    with running_model(heard_at(engine)) as url:
        yield url


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For this machine's address on its network, as `mkcert 10.98.77.1` makes one."""
    return issue(tmp_path_factory.mktemp("certificate"), HOST)


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest, engine: Engine, model_url: str) -> Iterator[Project]:
    """The whole project, healthy."""
    given = getattr(request.module, "ENVIRON", {})
    with running_project(engine, {"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url, **given}, HOST) as project:
        project.up()
        yield project


@pytest.fixture(scope="module")
async def far_browser(
    elsewhere: Elsewhere, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    """Chromium on the other machine."""
    async with chromium_in(elsewhere.client, tmp_path_factory.mktemp("chromium"), certificate) as browser:
        yield browser
