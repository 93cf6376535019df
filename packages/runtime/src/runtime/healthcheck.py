"""Asks the service in this container whether it is ready; the exit status says it: 0 it is, 1 it is not.

For `HEALTHCHECK` in images that have no curl. The standard library alone, since it runs every few seconds.
"""

import http.client
import os
import sys
from typing import Final

TIMEOUT_S: Final = 4.0
LINE_MAX: Final = 200


def main() -> int:
    """Ask `/readyz` on HTTP_PORT of this machine, and print what is missing."""
    port = os.environ.get("HTTP_PORT", "")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.stderr.write(f"HTTP_PORT must be the service's port, 1 to 65535, but is {port!r}\n")
        return 1
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(LINE_MAX).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"no answer on port {port}: {type(error).__name__}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(said + "\n")
    return 0 if answer.status == http.client.OK else 1
