"""Packages that are only compared with: each set in an environment of its own, exactly as its requirements pin them."""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
INSTALL_MAX_S: Final = 300


class NotInstalledError(Exception):
    """What is compared with could not be installed, so there is nothing to compare with."""


@dataclass(frozen=True)
class Environment:
    """Packages under `.tools/<name>`, installed when first asked for, and again when their requirements change."""

    name: str
    requirements: Path
    root: Path = ROOT

    def installed(self) -> Path:
        """The Python that has them; they are installed first where they are not. Raises NotInstalledError."""
        place = self.root / ".tools" / self.name
        python = place / "bin" / "python"
        stamp = place / ".installed"
        wanted = hashlib.sha256(self.requirements.read_bytes()).hexdigest()
        if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return python
        own = self.root / ".tools" / "bin" / "uv"
        uv = str(own) if own.exists() else shutil.which("uv")
        if uv is None:
            raise NotInstalledError(f"the {self.name} need uv, which `make sync` puts into .tools")
        self.run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place))
        self.run(
            *(uv, "pip", "install", "--quiet", "--python", str(python)),
            *("--require-hashes", "-r", str(self.requirements)),
        )
        stamp.write_text(wanted, encoding="utf-8")
        return python

    def versions(self) -> dict[str, str]:
        """The pinned version of each package."""
        lines = self.requirements.read_text(encoding="utf-8").splitlines()
        pinned = (line.split()[0].partition("==") for line in lines if "==" in line and line[0].isalpha())
        return {name.partition("[")[0]: version for name, _, version in pinned}

    def run(self, *command: str) -> None:
        """A step of the installation. Raises NotInstalledError with what it said."""
        try:
            subprocess.run(command, check=True, timeout=INSTALL_MAX_S, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            raise NotInstalledError(f"the {self.name} could not be installed:\n{error.stderr[-2000:]}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstalledError(f"the {self.name} could not be installed: {error}") from error
