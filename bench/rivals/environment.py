"""What the rivals need: their Python packages, and pipecat's client made into one script."""

from pathlib import Path
from typing import Final

from bench.environments import ROOT, Environment

HERE: Final = Path(__file__).parent
PACKAGES: Final = Environment("rivals", HERE / "requirements.txt")
CLIENT: Final = HERE / "page"
SCRIPT: Final = ROOT / ".tools" / "rivals-page.js"


def client_script() -> Path:
    """`page/pipecat.mjs` with what it imports, made anew where it is older. Raises NotInstalledError."""
    sources = [CLIENT / "pipecat.mjs", CLIENT / "package-lock.json"]
    if SCRIPT.exists() and all(SCRIPT.stat().st_mtime > source.stat().st_mtime for source in sources):
        return SCRIPT
    PACKAGES.run("npm", "--no-update-notifier", "--prefix", str(CLIENT), "ci", "--no-audit", "--no-fund")
    bundler = CLIENT / "node_modules" / ".bin" / "esbuild"
    PACKAGES.run(str(bundler), str(sources[0]), "--bundle", "--format=iife", f"--outfile={SCRIPT}", "--log-level=error")
    return SCRIPT
