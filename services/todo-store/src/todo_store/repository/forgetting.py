"""Erasing an owner, irrevocably, and the sentences of turns that have become old."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import ARRAY, Interval, Text, bindparam, cast, delete, func, select, text, tuple_, update

from todo_store.schema import AliasRow, ChangeRow, ImageRow, ItemRow, ListRow, OwnerRow, PendingRow, TurnRow
from todo_store.sessions import WriteSession

FORGETTING_TIMEOUT_MS: Final = 120_000
BATCH: Final = 200
"""Turns that age in one statement, so that none holds its rows for long."""


@dataclass(frozen=True)
class Forgotten:
    """How many rows of each kind an owner had, deleted ones among them."""

    lists: int = 0
    items: int = 0
    changes: int = 0
    images: int = 0
    turns: int = 0
    aliases: int = 0
    questions: int = 0


# Rows go before what they refer to.
_ORDER: Final = (
    ("images", ImageRow),
    ("changes", ChangeRow),
    ("turns", TurnRow),
    ("aliases", AliasRow),
    ("questions", PendingRow),
    ("items", ItemRow),
    ("lists", ListRow),
)
_HELD: Final = select(OwnerRow.revision).where(OwnerRow.owner_key == bindparam("owner", type_=Text)).with_for_update()
_ALLOW: Final = select(
    func.set_config("todo.forgotten", bindparam("owner", type_=Text), True),
    # One owner may have more than a request's statement has time for.
    func.set_config("statement_timeout", str(FORGETTING_TIMEOUT_MS), True),
)


async def forget(session: WriteSession, owner: str) -> Forgotten | None:
    """Erase an owner's rows, journal, turns and dialogue in this transaction; None for one that was never seen.

    Writers of this owner wait, and find an owner never seen.
    """
    if await session.row(_HELD, {"owner": owner}) is None:
        return None
    await session.row(_ALLOW, {"owner": owner})
    counts = {name: await session.erase(delete(table).where(table.owner_key == owner)) for name, table in _ORDER}
    await session.erase(delete(OwnerRow).where(OwnerRow.owner_key == owner))
    return Forgotten(**counts)


_UNDERSTOOD: Final = cast(["plan", "understood"], ARRAY(Text))
_OLD: Final = (
    select(TurnRow.owner_key, TurnRow.operation_id)
    .where(
        # As the index says it.
        text("(result #>> '{plan,understood}') <> '[]'"),
        TurnRow.updated_at < func.now() - bindparam("age", type_=Interval),
    )
    .order_by(TurnRow.updated_at)
    .limit(BATCH)
    # Whoever writes a turn just now is not waited for.
    .with_for_update(skip_locked=True)
)
_AGE: Final = (
    update(TurnRow)
    .where(tuple_(TurnRow.owner_key, TurnRow.operation_id).in_(_OLD))
    .values(result=func.jsonb_set(TurnRow.result, _UNDERSTOOD, text("'[]'::jsonb")))
)


async def age_sentences(session: WriteSession, age: timedelta) -> int:
    """Take the understood sentences out of at most BATCH turns older than `age`; how many there were.

    What a turn came to stays, so that a repeat of its id is still answered.
    """
    return await session.erase(_AGE, {"age": age})
