"""Debian's Prometheus and promtool, where they are installed."""

import os
import shutil

import pytest


def tool(name: str) -> str:
    """The program's path. Without it the test is skipped by name, and fails where CI=true."""
    found = shutil.which(name)
    if found is None:
        reason = f"{name} is not installed: sudo apt-get install prometheus"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found
