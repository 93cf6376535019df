"""Whether this machine can hold the laboratory, said in a sentence."""

import os
import shutil
import subprocess
import sys
from typing import Final

PACKAGES: Final = {
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "turnserver": "coturn",
    "chromium": "chromium",
}
"""Programs, and the Debian packages that hold them."""


def why_not() -> str | None:
    """What stands in the way, and what to do about it; None where nothing does."""
    if sys.platform != "linux":
        return "network namespaces are Linux's; run this there"
    if os.geteuid() != 0:
        return "network namespaces are made by root only; run this as root, or in a container with CAP_SYS_ADMIN"
    absent = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if absent:
        return f"not installed: {', '.join(absent)}; sudo apt-get install {' '.join(absent)}"
    probe = subprocess.run(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && nft list ruleset"],
        check=False,
        capture_output=True,
        text=True,
        timeout=10,
    )
    if probe.returncode != 0:
        return f"this kernel or container refuses namespaces with nftables: {probe.stderr.strip()[:200]}"
    return None
