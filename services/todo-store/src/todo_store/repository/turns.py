"""What became of each operation id."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.store import ApplyResult
from todo_store.prepared import Command, Query
from todo_store.schema import TurnRow
from todo_store.sessions import ReadSession, WriteSession


@dataclass(frozen=True)
class Turn:
    """`result` is what the attempt `attempt` recorded; None while it may still act."""

    attempt: int
    plan_hash: str | None = None
    result: ApplyResult | None = None
    cancelled: bool = False
    closed: bool = False
    crashes: int = 0


_TURN: Final = Query(
    select(TurnRow.attempt, TurnRow.plan_hash, TurnRow.result, TurnRow.cancelled_at, TurnRow.closed_at, TurnRow.crashes)
    .where(
        TurnRow.owner_key == bindparam("owner", type_=Text),
        TurnRow.operation_id == bindparam("operation_id", type_=Text),
    )
    .with_for_update()
)


async def find(session: ReadSession, owner: str, operation_id: str) -> Turn | None:
    """Read a turn and hold it until the transaction ends."""
    row = await session.row(_TURN, {"owner": owner, "operation_id": operation_id})
    if row is None:
        return None
    return Turn(
        attempt=row.attempt,
        plan_hash=row.plan_hash,
        result=None if row.result is None else ApplyResult.model_validate(row.result),
        cancelled=row.cancelled_at is not None,
        closed=row.closed_at is not None,
        crashes=row.crashes,
    )


_VALUES: Final = insert(TurnRow)
_SAVE: Final = Command(
    _VALUES.on_conflict_do_update(
        index_elements=[TurnRow.owner_key, TurnRow.operation_id],
        set_={
            "attempt": _VALUES.excluded.attempt,
            "plan_hash": _VALUES.excluded.plan_hash,
            "outcome": _VALUES.excluded.outcome,
            "result": _VALUES.excluded.result,
            # The first marks stay.
            "cancelled_at": func.coalesce(TurnRow.cancelled_at, _VALUES.excluded.cancelled_at),
            "closed_at": func.coalesce(TurnRow.closed_at, _VALUES.excluded.closed_at),
            "crashes": _VALUES.excluded.crashes,
            "updated_at": func.now(),
        },
    ),
    columns=[
        "owner_key",
        "operation_id",
        "attempt",
        "plan_hash",
        "outcome",
        "result",
        "cancelled_at",
        "closed_at",
        "crashes",
    ],
)


async def save(session: WriteSession, owner: str, operation_id: str, turn: Turn) -> None:
    """Write a turn as it is now."""
    now = datetime.now(UTC)
    await session.write(
        _SAVE,
        {
            "owner_key": owner,
            "operation_id": operation_id,
            "attempt": turn.attempt,
            "plan_hash": turn.plan_hash,
            "outcome": None if turn.result is None else turn.result.status.value,
            "result": None if turn.result is None else turn.result.model_dump(mode="json"),
            "cancelled_at": now if turn.cancelled else None,
            "closed_at": now if turn.closed else None,
            "crashes": turn.crashes,
        },
    )
