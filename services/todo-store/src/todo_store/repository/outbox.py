"""The journal as an outbox: what is not yet published, over all owners. For the relay alone."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Float, Text, bindparam, cast, func, select, tuple_, update

from todo_store.prepared import Command, Query
from todo_store.schema import ChangeRow
from todo_store.sessions import ReadSession, WriteSession

BATCH: Final = 100
BACKLOG_MAX: Final = 10_000
RELAY_LOCK_KEY: Final = 7_303_014_411_052_002
"""One number that only the relay locks: one of them at a time, over all stores."""


@dataclass(frozen=True)
class Waiting:
    """A committed change that nobody has been told of."""

    owner: str
    revision: int
    traceparent: str | None


@dataclass(frozen=True)
class Backlog:
    """How many changes are unpublished, at most BACKLOG_MAX, and how old the oldest of these is, in seconds."""

    changes: int = 0
    oldest_s: float = 0.0


_WAITING: Final = Query(
    select(ChangeRow.owner_key, ChangeRow.revision, ChangeRow.traceparent)
    .where(
        ChangeRow.published_at.is_(None),
        tuple_(ChangeRow.owner_key, ChangeRow.revision)
        > tuple_(bindparam("owner", type_=Text), bindparam("revision", type_=BigInteger)),
    )
    .order_by(ChangeRow.owner_key, ChangeRow.revision)
    .limit(BATCH)
)
_MARK: Final = Command(
    update(ChangeRow)
    .where(
        ChangeRow.owner_key == bindparam("of_owner"),
        ChangeRow.revision.between(bindparam("first"), bindparam("last")),
        ChangeRow.published_at.is_(None),
    )
    .values(published_at=func.now())
)


_LOOKED_AT: Final = select(ChangeRow.at).where(ChangeRow.published_at.is_(None)).limit(BACKLOG_MAX).subquery()
_BACKLOG: Final = select(
    func.count(), cast(func.extract("epoch", func.clock_timestamp() - func.min(_LOOKED_AT.c.at)), Float)
).select_from(_LOOKED_AT)


async def backlog(session: ReadSession) -> Backlog:
    """What waits to be published, over all owners."""
    row = await session.row(_BACKLOG)
    return Backlog() if row is None or row[1] is None else Backlog(row[0], max(0.0, row[1]))


async def try_to_lead(session: ReadSession) -> bool:
    """Take the relay's lock for as long as this session's connection lives; False if another one has it."""
    row = await session.row(select(func.pg_try_advisory_lock(RELAY_LOCK_KEY)))
    return row is not None and bool(row[0])


async def waiting(session: ReadSession, *, after: Waiting | None) -> list[Waiting]:
    """At most BATCH unpublished changes, each owner's in the order of its revisions, behind `after` if given."""
    owner, revision = ("", 0) if after is None else (after.owner, after.revision)
    found = await session.rows(_WAITING, {"owner": owner, "revision": revision})
    return [Waiting(row.owner_key, row.revision, row.traceparent) for row in found]


async def mark_published(session: WriteSession, owner: str, *, first: int, last: int) -> None:
    """Take an owner's changes from `first` to `last` out of the outbox."""
    await session.write(_MARK, {"of_owner": owner, "first": first, "last": last})
