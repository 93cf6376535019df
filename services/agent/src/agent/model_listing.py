"""What a server says of its models: which one would be asked, and whether that is in memory. Pure.

`/v1/models` lists what can be asked: with LM Studio's just-in-time loading every model on its disk, which the first
request loads, and without it those that are loaded. Its own `/api/v0/models` says which are.
"""

from dataclasses import dataclass
from typing import Any, Final

STAND_IN_OWNER: Final = "todo-agent stand-in"
"""Who owns the model of deploy/standin, by its own word."""
NAME_MAX_CHARS: Final = 200
_LOADED: Final = "loaded"
_NOT_LOADED: Final = "not-loaded"


@dataclass(frozen=True)
class Listing:
    """`name` is the model that would be asked, None where there is none, or not the wanted one.

    `loaded` is None where the server does not say. `loading`: it says that it is at it.
    """

    name: str | None
    stand_in: bool = False
    loaded: bool | None = None
    loading: bool = False


def rows_of(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The models in an answer to `/v1/models` or `/api/v0/models`; None if it is none."""
    listed = body.get("data")
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else None


def first_to_ask(rows: list[dict[str, Any]]) -> str | None:
    """The first model that is none for embeddings."""
    names = (row.get("id") for row in rows)
    return next((name for name in names if isinstance(name, str) and "embed" not in name.lower()), None)


def listing_of(rows: list[dict[str, Any]], own_rows: list[dict[str, Any]], wanted: str | None) -> Listing:
    """`rows` of `/v1/models`; `own_rows` of `/api/v0/models`, none where the server has no such list."""
    name = first_to_ask(rows) if wanted is None else wanted
    row = next((row for row in rows if name is not None and row.get("id") == name), None)
    if name is None or row is None:
        return Listing(name=None)
    state = next((own.get("state") for own in own_rows if own.get("id") == name), None)
    return Listing(
        name=name[:NAME_MAX_CHARS],
        stand_in=row.get("owned_by") == STAND_IN_OWNER,
        loaded=None if not isinstance(state, str) else state == _LOADED,
        loading=isinstance(state, str) and state not in {_LOADED, _NOT_LOADED},
    )
