"""Holds the page's JavaScript to its budget: every chunk in `web/dist`, as gzip -9 makes it.

Usage: page_size.py, after the page was built. Prints the size; the status is 1 where it is over the budget.
"""

import gzip
import sys
from pathlib import Path
from typing import Final

ASSETS: Final = Path(__file__).parent / "dist" / "assets"
BUDGET_KB: Final = 90


def main() -> int:
    scripts = sorted(ASSETS.glob("*.js"))
    if not scripts:
        sys.stderr.write("web/dist/assets holds no JavaScript; run `make page` first\n")
        return 1
    kilobytes = sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts) / 1000
    sys.stdout.write(f"the page's JavaScript: {kilobytes:.1f} KB gzipped, of at most {BUDGET_KB}\n")
    return 0 if kilobytes <= BUDGET_KB else 1


if __name__ == "__main__":
    sys.exit(main())
