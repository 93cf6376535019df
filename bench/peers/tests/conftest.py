"""Makes `bench` importable under importlib's import mode, wherever pytest is started from."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))
