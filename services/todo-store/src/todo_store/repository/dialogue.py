"""The open question of each session, and what owners call their lists."""

from datetime import timedelta
from typing import Final

from sqlalchemy import Interval, Text, bindparam, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from contracts.dialogue import ALIASES_PER_OWNER_MAX, Alias, Question
from todo_store.schema import AliasRow, PendingRow
from todo_store.sessions import ReadSession, WriteSession

BATCH: Final = 200

_OWNER: Final = bindparam("owner", type_=Text)
_ALIASES: Final = (
    select(AliasRow.phrase, AliasRow.list_id)
    .where(AliasRow.owner_key == _OWNER)
    .order_by(AliasRow.phrase)
    .limit(ALIASES_PER_OWNER_MAX)
)
_OPEN: Final = select(PendingRow.question).where(
    PendingRow.owner_key == _OWNER,
    PendingRow.session_id == bindparam("session", type_=Text),
    PendingRow.expires_at > func.now(),
)
_TAKE: Final = (
    update(PendingRow)
    .where(
        PendingRow.owner_key == bindparam("owner"),
        PendingRow.session_id == bindparam("session"),
        PendingRow.asked_by == bindparam("asked"),
        or_(PendingRow.taken_by.is_(None), PendingRow.taken_by == bindparam("turn", type_=Text)),
        PendingRow.expires_at > func.now(),
    )
    .values(taken_by=bindparam("turn", type_=Text))
)
_VALUES: Final = insert(PendingRow).values(
    owner_key=bindparam("owner"),
    session_id=bindparam("session"),
    asked_by=bindparam("asked"),
    question=bindparam("asks"),
    expires_at=func.now() + bindparam("age", type_=Interval),
)
_ASK: Final = _VALUES.on_conflict_do_update(
    index_elements=[PendingRow.owner_key, PendingRow.session_id],
    set_={
        "asked_by": _VALUES.excluded.asked_by,
        "taken_by": None,
        "question": _VALUES.excluded.question,
        "expires_at": _VALUES.excluded.expires_at,
    },
)
_ALIAS: Final = insert(AliasRow)
_LEARN: Final = _ALIAS.on_conflict_do_update(
    index_elements=[AliasRow.owner_key, AliasRow.phrase],
    set_={"list_id": _ALIAS.excluded.list_id, "learned_at": func.clock_timestamp()},
)
_NEWEST: Final = (
    select(AliasRow.phrase)
    .where(AliasRow.owner_key == bindparam("owner", type_=Text))
    .order_by(AliasRow.learned_at.desc(), AliasRow.phrase)
    .limit(ALIASES_PER_OWNER_MAX)
)
_MAKE_ROOM: Final = delete(AliasRow).where(
    AliasRow.owner_key == bindparam("owner", type_=Text), AliasRow.phrase.not_in(_NEWEST)
)
_EXPIRED: Final = (
    select(PendingRow.owner_key, PendingRow.session_id)
    .where(PendingRow.expires_at <= func.now())
    .order_by(PendingRow.expires_at)
    .limit(BATCH)
    .with_for_update(skip_locked=True)
)
_DROP_EXPIRED: Final = delete(PendingRow).where(tuple_(PendingRow.owner_key, PendingRow.session_id).in_(_EXPIRED))


async def aliases(session: ReadSession, owner: str) -> tuple[Alias, ...]:
    """What an owner calls their lists, at most ALIASES_PER_OWNER_MAX."""
    rows = await session.rows(_ALIASES, {"owner": owner})
    return tuple(Alias(phrase=row.phrase, list_id=row.list_id) for row in rows)


async def question(session: ReadSession, owner: str, session_id: str) -> Question | None:
    """The question of a session that has not expired. Whether a turn may have it, `take` says."""
    row = await session.row(_OPEN, {"owner": owner, "session": session_id})
    return None if row is None else Question.model_validate(row.question)


async def take(session: WriteSession, owner: str, session_id: str, *, asked_by: str, turn: str) -> bool:
    """Give the question to a turn; False where it is gone, another one by now, or another turn's."""
    found = {"owner": owner, "session": session_id, "asked": asked_by, "turn": turn}
    return await session.erase(_TAKE, found) == 1


async def ask(session: WriteSession, owner: str, session_id: str, question: Question, *, expires_s: int) -> None:
    """Keep a session's question, in place of the one before."""
    asks = question.model_dump(mode="json")
    values = {"owner": owner, "session": session_id, "asked": question.asked_by, "asks": asks}
    await session.write(_ASK, values | {"age": timedelta(seconds=expires_s)})


async def learn(session: WriteSession, owner: str, alias: Alias) -> None:
    """Keep what an owner calls a list; the phrase learned least recently makes room."""
    await session.write(_LEARN, {"owner_key": owner, "phrase": alias.phrase, "list_id": alias.list_id})
    await session.erase(_MAKE_ROOM, {"owner": owner})


async def drop_expired(session: WriteSession) -> int:
    """Remove at most BATCH questions that nobody can answer any more; how many there were."""
    return await session.erase(_DROP_EXPIRED)
