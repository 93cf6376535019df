"""A JSON Web Key Set (RFC 7517), as far as it can prove tokens. Pure."""

import json
from dataclasses import dataclass
from typing import Any, Final

from jwt import PyJWK, PyJWTError

KEYS_MAX: Final = 64
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
"""Asymmetric ones alone. A key set is public: with HS256 anybody could sign by what stands in it."""


class UnusableKeySetError(ValueError):
    """This is no key set, or none with a key that we use."""


@dataclass(frozen=True)
class KeySet:
    """Public keys, each with its one algorithm."""

    keys: tuple[PyJWK, ...]

    def has(self, key_id: str | None) -> bool:
        """Whether a key of this id is here; of none, whether any is."""
        return key_id is None or any(key.key_id == key_id for key in self.keys)

    def find(self, algorithm: str, key_id: str | None) -> PyJWK | None:
        """The key that a token's header means. One without an id means the only key of its algorithm."""
        found = [key for key in self.keys if key.algorithm_name == algorithm and key_id in {None, key.key_id}]
        return found[0] if len(found) == 1 else None


def parse(document: bytes) -> KeySet:
    """Read a key set, leaving out what we do not use. Raises UnusableKeySetError."""
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise UnusableKeySetError("is not JSON") from error
    entries = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list) or len(entries) > KEYS_MAX:
        raise UnusableKeySetError(f"is not an object with at most {KEYS_MAX} keys")
    keys = tuple(key for key in map(_key, entries) if key is not None)
    if not keys:
        raise UnusableKeySetError(f"holds no key for {', '.join(ALGORITHMS)}")
    return KeySet(keys)


def _key(entry: Any) -> PyJWK | None:  # Any: whatever stood in the document
    # One with a private part (`d`) is known to whoever can read the document.
    if not isinstance(entry, dict) or "d" in entry or entry.get("use", "sig") != "sig":
        return None
    if not isinstance(entry.get("kid", ""), str):
        return None
    try:
        key = PyJWK(entry)
    except (PyJWTError, TypeError, ValueError, AttributeError):
        return None
    return key if key.algorithm_name in ALGORITHMS else None
