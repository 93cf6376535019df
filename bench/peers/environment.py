"""The peers' packages, in an environment of their own under `.tools/peers`, exactly as `requirements.txt` pins them."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
PLACE: Final = ROOT / ".tools" / "peers"
REQUIREMENTS: Final = Path(__file__).parent / "requirements.txt"
INSTALL_MAX_S: Final = 300


class NotInstalledError(Exception):
    """The peers could not be installed, so there is nothing to compare with."""


def installed() -> Path:
    """The Python that has the peers; they are installed first where they are not. Raises NotInstalledError."""
    python = PLACE / "bin" / "python"
    stamp = PLACE / ".installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    own = ROOT / ".tools" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        raise NotInstalledError("the peers need uv, which `make sync` puts into .tools")
    _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PLACE))
    _run(uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(REQUIREMENTS))
    stamp.write_text(wanted, encoding="utf-8")
    return python


def versions() -> dict[str, str]:
    """The pinned version of each package."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pinned = (line.split()[0].partition("==") for line in lines if "==" in line and line[0].isalpha())
    return {name.partition("[")[0]: version for name, _, version in pinned}


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, timeout=INSTALL_MAX_S, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise NotInstalledError(f"the peers could not be installed:\n{error.stderr[-2000:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"the peers could not be installed: {error}") from error
