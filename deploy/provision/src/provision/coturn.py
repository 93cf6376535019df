"""coturn's configuration out of deploy/coturn, which refuses what coturn would take in silence."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from provision.errors import ProvisionError

FILL: Final = "fill.py"
TIMEOUT_S: Final = 20


def filled(folder: Path, values: Mapping[str, str]) -> str:
    """turnserver.conf with these values, by the `fill.py` of `folder`. Raises ProvisionError with what is unusable."""
    try:
        done = subprocess.run(  # noqa: S603 - our own script, and no shell
            [sys.executable, "-I", str(folder / FILL)],
            env=dict(values),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProvisionError(f"{folder / FILL} did not end within {TIMEOUT_S} s") from error
    if done.returncode != 0:
        raise ProvisionError(done.stderr.strip())
    return done.stdout
