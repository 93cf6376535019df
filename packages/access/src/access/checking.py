"""Verifying a token, cheapest first: its size, what it says of its key, its signature, what it claims. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
from jwt import PyJWK

from access.errors import Reason, TokenRefusedError
from access.identity import LEEWAY_S, Identity, identity_of
from access.interface import Expected
from contracts.limits import TOKEN_MAX_CHARS

KEY_ID_MAX_CHARS: Final = 255
_REQUIRED: Final = ["exp", "iss", "aud", "sub"]


@dataclass(frozen=True)
class Header:
    """What a token says of its key. Proven by nothing yet."""

    algorithm: str
    key_id: str | None


def bounded(token: str | None) -> str:
    """The token, if there is one that is worth decoding. The first check, and the cheapest."""
    if not token:
        raise TokenRefusedError(Reason.MISSING)
    if len(token) > TOKEN_MAX_CHARS or not token.isascii():
        raise TokenRefusedError(Reason.INVALID)
    return token


def header_of(token: str) -> Header:
    """What a bounded token says of its key. Raises TokenRefusedError for what is no token."""
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenRefusedError(Reason.INVALID) from error
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or len(key_id or "") > KEY_ID_MAX_CHARS:
        raise TokenRefusedError(Reason.INVALID)
    return Header(algorithm, key_id)


def verified(token: str, keys: Sequence[str | PyJWK], algorithms: list[str], expected: Expected) -> Identity:
    """The holder of a bounded token that one of `keys` proves. Raises TokenRefusedError.

    `algorithms` are ours (RFC 8725 section 2.1), never those that the token names.
    """
    try:
        return identity_of(_claims(token, keys, algorithms, expected))
    except jwt.ExpiredSignatureError as error:
        raise TokenRefusedError(Reason.EXPIRED) from error
    except jwt.PyJWTError as error:
        raise TokenRefusedError(Reason.INVALID) from error


def _claims(token: str, keys: Sequence[str | PyJWK], algorithms: list[str], expected: Expected) -> dict[str, Any]:
    for key in keys:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=algorithms,
                issuer=expected.issuer,
                audience=expected.audience,
                leeway=LEEWAY_S,
                options={"require": _REQUIRED, "enforce_minimum_key_length": True},
            )
        except jwt.InvalidSignatureError:
            continue
    raise jwt.InvalidSignatureError
