"""How a running stack tells who somebody is, as it has written it down for the commands that talk to it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self


@dataclass(frozen=True)
class SignIn:
    """By the secret kept in the data directory, by one of the environment that it was started in, or by a provider's
    keys."""

    by: Literal["data", "environment", "provider"]
    issuer: str
    audience: str


@dataclass(frozen=True)
class Running:
    """A stack. `url` is its page's for this machine, `address` for others; `owner` is who uses it on this machine."""

    url: str
    address: str
    owner: str
    sign_in: SignIn | None

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """What `stack.json` says. None unless a stack of this version runs there that is ours."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            os.kill(found["pid"], 0)  # what was killed leaves its state behind
            sign_in = found["sign_in"]
            return cls(
                url=found["url"],
                address=found["address"],
                owner=found["owner"],
                sign_in=None if sign_in is None else SignIn(**sign_in),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
