"""The bridge with a library in it that prints: before it serves, in a handler, from a child, and into a buffer that is
flushed at the very end."""

import os
import subprocess
import sys

from mcp_bridge import __main__ as bridge
from mcp_bridge import descriptors

NOISE = "NOISE-ON-STDOUT"


def noisy_claim() -> tuple[int, int]:
    claimed = descriptors.claim()
    print(NOISE, "while importing")  # noqa: T201
    from mcp_bridge import calls

    quiet = calls.read

    async def noisy_read(*arguments: object) -> object:
        print(NOISE, "from print()")  # noqa: T201
        sys.stdout.write(f"{NOISE} left in the buffer")
        os.write(1, f"{NOISE} by the descriptor\n".encode())
        subprocess.run(["/bin/echo", NOISE, "from a child"], check=True)
        assert sys.stdin.read() == ""
        return await quiet(*arguments)

    calls.read = noisy_read
    return claimed


bridge.claim = noisy_claim
bridge.main()
