"""`python -m signaling token`: an access token by the secret that this signaling checks them by."""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from access.settings import AccessSettings
from contracts.message import problem_of

DAYS: Final = 30
DAYS_MAX: Final = 3650
OWNER_MAX_CHARS: Final = 200


def print_token(arguments: Sequence[str], load: type[AccessSettings]) -> int:
    """Print a token, and on stderr the address that signs a browser in; the exit status: 0, or 1 after one line."""
    parser = argparse.ArgumentParser(prog="python -m signaling token", description="Make an access token.")
    parser.add_argument("--owner", required=True, type=_owner, metavar="NAME", help="whose, as the page shows it")
    parser.add_argument("--days", type=_days, default=DAYS, metavar="N", help=f"(default {DAYS})")
    parser.add_argument("--url", default="https://localhost:5443", help="of the page, as others reach it")
    asked = parser.parse_args(arguments)
    try:
        settings = load()
    except ValidationError as error:
        problem = problem_of(error)
        return _refused(f"setting {(problem.field or '').upper()}: {problem.detail}")
    if settings.auth_jwks_url is not None:
        return _refused("tokens are a provider's here (AUTH_JWKS_URL), which alone makes them")
    secrets = settings.shared_secrets
    if secrets is None:
        return _refused("nobody is asked for a token here; set AUTH_SECRET for that")
    token = secrets.mint(asked.owner, timedelta(days=asked.days))
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
    sys.stderr.write(f"{asked.url.rstrip('/')}/#t={token}\n")
    return 0


def _refused(why: str) -> int:
    sys.stderr.write(f"signaling token: {why}\n")
    return 1


def _owner(value: str) -> str:
    if not 0 < len(value) <= OWNER_MAX_CHARS or not value.isprintable() or not value.strip():
        raise argparse.ArgumentTypeError(f"give a name of 1 to {OWNER_MAX_CHARS} characters that print")
    return value


def _days(value: str) -> int:
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of days from 1 to {DAYS_MAX}")
    return int(value)
