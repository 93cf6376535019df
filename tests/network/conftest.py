"""The laboratory of `bench.lab`, started once: network and coturn; stack and browser where a test asks for them."""

import os
from collections.abc import AsyncIterator

import pytest
from bench.lab.laboratory import Ground, Lab, running_ground, running_lab
from bench.lab.missing import why_not


@pytest.fixture(scope="package")
async def ground() -> AsyncIterator[Ground]:
    """Namespaces with a TURN server. Without them the test is skipped by name, and fails where CI=true."""
    reason = why_not()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    async with running_ground() as standing:
        yield standing


@pytest.fixture(scope="package")
async def lab(ground: Ground) -> AsyncIterator[Lab]:
    """The whole stack on the server, Chromium on the client."""
    async with running_lab(ground) as standing:
        yield standing
