"""Without Compose the project cannot be read: skipped by name, a failure where CI=true."""

import os

import pytest
from policy.compose.project import COMPOSE


@pytest.fixture(scope="session", autouse=True)
def compose_is_there() -> None:
    if not COMPOSE.exists():
        reason = "Compose v2 is not here: make deploy-tools"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
