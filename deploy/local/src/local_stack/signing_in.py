"""Who may enter a stack on this machine: what `up` decides before anything starts, and tokens for the command line.

Imports what verifies tokens only where there are any: that takes a quarter of a second.
"""

import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from access.exposure import exposed, is_loopback
from local_stack.command_line import TOKEN_VARIABLE, URL
from local_stack.directory import DataDirectory
from local_stack.errors import ExposedError, StackError
from local_stack.passwords import kept_auth_secret
from local_stack.ports import host_of
from local_stack.running import Running, SignIn

if TYPE_CHECKING:
    from access.settings import AccessSettings
    from access.shared_secret import SharedSecrets

LOCAL_OWNER: Final = "me"
"""Who uses a stack on its own machine, unless LOCAL_OWNER says another name."""
OWN_LIFETIME: Final = timedelta(minutes=10)
"""Of the tokens that the command line makes for itself."""
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_NAMES: Final = ("AUTH_SECRET", "AUTH_JWKS_URL", "AUTH_ISSUER", "AUTH_AUDIENCE")


def chosen(*, auth: bool, environ: Mapping[str, str]) -> SignIn | None:
    """How a stack is to tell who somebody is; None where it asks nobody. Raises StackError for AUTH_* that is wrong."""
    if not auth and not any(environ.get(name, "").strip() for name in _NAMES):
        return None
    settings = _settings()
    return _sign_in(settings) if auth or settings.secured else None


def require_hidden(listen: str, sign_in: SignIn | None, environ: Mapping[str, str]) -> None:
    """Raise ExposedError where others would reach a stack that asks nobody who they are."""
    if sign_in is None and exposed(listen, environ.get("PUBLISHED_ON")) is not None:
        raise ExposedError(
            f"--listen {listen} lets others reach this stack, and it would ask nobody for a token; add --auth, or set "
            "AUTH_SECRET or AUTH_JWKS_URL, or leave --listen out"
        )


def settings_of_signaling(
    listen: str, sign_in: SignIn | None, secret: str | None, environ: Mapping[str, str]
) -> dict[str, str]:
    """What signaling is told of it, beside what the caller's environment says."""
    told: dict[str, str] = {}
    if sign_in is not None and sign_in.by == "data" and secret is not None:
        told["AUTH_SECRET"] = secret
    if not environ.get("ALLOWED_HOSTS"):
        if is_loopback(listen) and listen not in _LOOPBACK_NAMES:
            told["ALLOWED_HOSTS"] = ",".join((*_LOOPBACK_NAMES, host_of(listen)))
        elif sign_in is not None and not is_loopback(listen):
            # A page of a stranger under a name of its own (DNS rebinding) has no token, and reaches nothing.
            told["ALLOWED_HOSTS"] = "*"
    return told


def print_token(owner: str, lifetime: timedelta, directory: DataDirectory, url: str | None) -> int:
    """Print a token, and on stderr the address that signs a browser in; the exit status. Raises StackError."""
    running = Running.read(directory.state)
    token = _secrets(directory, running).mint(owner, lifetime)
    address = url or (running.address if running else URL)
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
    sys.stderr.write(f"{address.rstrip('/')}/#t={token}\n")
    return 0


def own_token(given: str | None, url: str, directory: DataDirectory, environ: Mapping[str, str]) -> str | None:
    """Who the command line is for the stack at `url`: as given, as the environment says, or, for a stack of ours on
    this machine, its local owner. Raises StackError."""
    known = given or environ.get(TOKEN_VARIABLE)
    if known:
        return known
    running = Running.read(directory.state)
    if running is None or running.sign_in is None or running.url != url.rstrip("/"):
        return None
    if running.sign_in.by == "provider" or (running.sign_in.by == "environment" and not environ.get("AUTH_SECRET")):
        return None
    return _secrets(directory, running).mint(running.owner, OWN_LIFETIME)


def _secrets(directory: DataDirectory, running: Running | None) -> "SharedSecrets":
    from access.interface import Expected  # noqa: PLC0415
    from access.shared_secret import SharedSecrets  # noqa: PLC0415

    settings = _settings()
    sign_in = running.sign_in if running and running.sign_in else _sign_in(settings)
    expected = Expected(sign_in.issuer, sign_in.audience)
    match sign_in.by:
        case "provider":
            raise StackError("this stack takes the tokens of a provider (AUTH_JWKS_URL), which alone makes them")
        case "environment":
            given = settings.shared_secrets
            if given is None:
                raise StackError("the running stack was given its AUTH_SECRET; set the same here")
            return SharedSecrets(given.secrets, expected)
        case "data":
            kept = kept_auth_secret(directory.secrets)
            if kept is None:
                raise StackError(
                    f"there is no secret in {directory.path} to make a token by; start the stack with --auth, or name "
                    "its directory with --data"
                )
            return SharedSecrets((kept,), expected)


def _sign_in(settings: "AccessSettings") -> SignIn:
    expected = settings.expected
    if settings.auth_jwks_url is not None:
        return SignIn("provider", expected.issuer, expected.audience)
    return SignIn("data" if settings.auth_secret is None else "environment", expected.issuer, expected.audience)


def _settings() -> "AccessSettings":
    from pydantic import ValidationError  # noqa: PLC0415

    from access.settings import AccessSettings  # noqa: PLC0415
    from contracts.message import problem_of  # noqa: PLC0415

    try:
        return AccessSettings()
    except ValidationError as error:
        problem = problem_of(error)
        raise StackError(f"setting {(problem.field or '').upper()}: {problem.detail}") from error
