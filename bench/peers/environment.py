"""The peers' packages."""

from pathlib import Path
from typing import Final

from bench.environments import Environment

PACKAGES: Final = Environment("peers", Path(__file__).parent / "requirements.txt")
