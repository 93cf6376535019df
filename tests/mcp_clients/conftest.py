"""An owner of the test's own on the whole stack."""

import pytest

from .bridge import new_owner


@pytest.fixture
def owner() -> str:
    return new_owner()
