#!/usr/bin/env python3
"""Prints a user name and a password for ten minutes, as signaling makes them, to try a TURN server by hand.

TURN_SECRET='...' python3 deploy/coturn/credentials.py
"""

import base64
import hmac
import os
import sys
import time
from typing import Final

TTL_S: Final = 600


def main() -> int:
    """The exit status: 0, or 2 where there is no secret."""
    secret = os.environ.get("TURN_SECRET", "")
    if not secret:
        sys.stderr.write("TURN_SECRET is not set: it is the static-auth-secret of coturn\n")
        return 2
    username = f"{int(time.time()) + TTL_S}:by-hand"
    digest = hmac.digest(secret.encode(), username.encode(), "sha1")
    sys.stdout.write(f"{username} {base64.b64encode(digest).decode()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
