"""Owners' revisions and the journal of changes with their images."""

from collections.abc import AsyncIterator, Iterable
from typing import Final

from sqlalchemy import ARRAY, Text, and_, any_, bindparam, cast, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from contracts.limits import SNAPSHOT_PART_ROWS
from contracts.todo import Author, Image, JournalEntry
from todo_store.prepared import Command, Query
from todo_store.schema import ChangeRow, ImageRow, OwnerRow
from todo_store.sessions import ReadSession, WriteSession

NOTIFICATIONS: Final = "todo_changes"
"""The channel on which PostgreSQL tells every store that a change was committed."""

_BEYOND_ANY: Final = 2**63 - 1
_OWNER: Final = bindparam("owner", type_=Text)
_OF_OWNER: Final = select(OwnerRow.revision).where(OwnerRow.owner_key == _OWNER)
_REVISION: Final = Query(_OF_OWNER)
_LOCKED: Final = Query(_OF_OWNER.with_for_update())
_BEGIN: Final = Command(insert_or_leave(OwnerRow).on_conflict_do_nothing(), columns=["owner_key"])
_OF_CHANGE: Final = Query(
    select(ChangeRow.revision).where(
        ChangeRow.owner_key == _OWNER, ChangeRow.change_id == bindparam("change_id", type_=Text)
    )
)
_NEWEST_BY: Final = Query(
    select(ChangeRow.revision)
    .where(ChangeRow.owner_key == _OWNER, ChangeRow.author == any_(bindparam("authors", type_=ARRAY(Text))))
    .order_by(ChangeRow.revision.desc())
    .limit(1)
)
_RISEN: Final = (
    update(OwnerRow)
    .where(OwnerRow.owner_key == bindparam("new_owner_key"))
    .values(revision=bindparam("new_revision"))
    .cte("risen")
)
# One statement, since each is a round trip while the owner is held. The settings end with the transaction, and
# PostgreSQL sends the notification when it commits.
_OPEN: Final = Query(
    insert(ChangeRow)
    .values(
        {
            key: bindparam(f"new_{key}")
            for key in ("owner_key", "revision", "change_id", "operation_id", "author", "traceparent")
        }
    )
    .add_cte(_RISEN)
    .returning(
        func.set_config("todo.owner", ChangeRow.owner_key, True),
        func.set_config("todo.revision", cast(ChangeRow.revision, Text), True),
        func.pg_notify(bindparam("channel", type_=Text), ChangeRow.owner_key),
    )
)
_PIECES: Final = Query(
    select(
        ChangeRow.revision,
        ChangeRow.change_id,
        ChangeRow.operation_id,
        ChangeRow.author,
        ChangeRow.at,
        ImageRow.seq,
        ImageRow.row_id,
        ImageRow.before,
        ImageRow.after,
    )
    .join_from(
        ChangeRow,
        ImageRow,
        and_(ImageRow.owner_key == ChangeRow.owner_key, ImageRow.revision == ChangeRow.revision),
        isouter=True,
    )
    .where(
        ChangeRow.owner_key == _OWNER,
        ChangeRow.revision.between(bindparam("revision"), bindparam("until")),
        tuple_(ChangeRow.revision, func.coalesce(ImageRow.seq, 0)) > tuple_(bindparam("revision"), bindparam("seq")),
    )
    .order_by(ChangeRow.revision, ImageRow.seq)
    .limit(SNAPSHOT_PART_ROWS)
)


async def revision_of(session: ReadSession, owner: str) -> int:
    """The owner's revision; 0 for one that was never seen."""
    row = await session.row(_REVISION, {"owner": owner})
    return 0 if row is None else row.revision


async def revision_of_change(session: ReadSession, owner: str, change_id: str) -> int | None:
    """Which revision a change made; None for one that the owner's journal does not hold."""
    row = await session.row(_OF_CHANGE, {"owner": owner, "change_id": change_id})
    return None if row is None else row.revision


async def newest_revision_by(session: ReadSession, owner: str, authors: Iterable[Author]) -> int | None:
    """The newest revision that came through one of these doors; None where none did."""
    row = await session.row(_NEWEST_BY, {"owner": owner, "authors": [author.value for author in authors]})
    return None if row is None else row.revision


async def images_of(session: ReadSession, owner: str, change_id: str) -> tuple[Image, ...] | None:
    """All images of a change; None for one that the owner's journal does not hold."""
    revision = await revision_of_change(session, owner, change_id)
    if revision is None:
        return None
    found = [image async for _, image in pieces(session, owner, since=revision - 1, until=revision)]
    return tuple(image for image in found if image is not None)


async def lock_owner(session: WriteSession, owner: str) -> int:
    """Hold the owner until the transaction ends, and return the revision. An owner never seen begins here."""
    row = await session.row(_LOCKED, {"owner": owner})
    if row is None:
        await session.write(_BEGIN, {"owner_key": owner})
        row = await session.row(_LOCKED, {"owner": owner})
    if row is None:
        raise RuntimeError("an owner's row that was just written is gone")
    revision: int = row.revision
    return revision


async def open_entry(
    session: WriteSession,
    owner: str,
    revision: int,
    *,
    change_id: str,
    operation_id: str,
    author: Author,
    traceparent: str | None,
) -> None:
    """Raise the owner to `revision` and write its entry; the trigger adds the images of what is written after this."""
    await session.row(
        _OPEN,
        {
            "new_owner_key": owner,
            "new_revision": revision,
            "new_change_id": change_id,
            "new_operation_id": operation_id,
            "new_author": author.value,
            "new_traceparent": traceparent,
            "channel": NOTIFICATIONS,
        },
    )


async def pieces(
    session: ReadSession, owner: str, *, since: int, until: int = _BEYOND_ANY
) -> AsyncIterator[tuple[JournalEntry, Image | None]]:
    """Each image of the entries after `since`, with its entry (which holds no images here), oldest first.

    An entry without images comes once, with None. Reads a bounded number of images at a time.
    """
    revision, seq = since, _BEYOND_ANY
    while True:
        found = await session.rows(_PIECES, {"owner": owner, "revision": revision, "seq": seq, "until": until})
        for row in found:
            entry = JournalEntry(
                revision=row.revision,
                change_id=row.change_id,
                operation_id=row.operation_id,
                author=Author(row.author),
                at=row.at,
            )
            image = None if row.row_id is None else Image(row_id=row.row_id, before=row.before, after=row.after)
            yield entry, image
        if len(found) < SNAPSHOT_PART_ROWS:
            return
        revision, seq = found[-1].revision, found[-1].seq or 0
