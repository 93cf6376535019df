"""The tables. Every row belongs to an owner, whose key leads every primary key.

No relationships are declared: the repository says which columns it reads, so nothing can load by itself.
The triggers that keep the journal stand in the migrations, since metadata cannot hold them.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Keys and positions are compared byte by byte, as Python compares ASCII.
KEY: Final = Text(collation="C")
MOMENT: Final = TIMESTAMP(timezone=True)
# A day, or a moment with its offset.
DUE_FORM: Final = r"due ~ '^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d(:\d\d)?))?$'"


class Base(DeclarativeBase):
    metadata = METADATA


class OwnerRow(Base):
    """Locked by every writer of an owner, so that their revisions have no gaps."""

    __tablename__ = "owners"
    __table_args__ = (CheckConstraint("owner_key ~ '^[a-z2-7]{26}$'", name="owner_key"),)

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class ListRow(Base):
    """A list; a deleted one stays as a tombstone, so that its id is never given again and a change can be undone."""

    __tablename__ = "todo_lists"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key"], ["owners.owner_key"]),
        CheckConstraint("char_length(name) BETWEEN 1 AND 500", name="name"),
        CheckConstraint("version >= 1", name="version"),
        Index("ix_todo_lists_in_order", "owner_key", "position", "id", postgresql_where=text("deleted_at IS NULL")),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    id: Mapped[str] = mapped_column(KEY, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    position: Mapped[str] = mapped_column(KEY)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    deleted_at: Mapped[datetime | None] = mapped_column(MOMENT)


class ItemRow(Base):
    """An item. `due` is text in ISO 8601, because a timestamptz would forget the offset that the person meant."""

    __tablename__ = "todo_items"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key", "list_id"], ["todo_lists.owner_key", "todo_lists.id"]),
        CheckConstraint("char_length(title) BETWEEN 1 AND 500", name="title"),
        CheckConstraint("char_length(notes) <= 8000", name="notes"),
        CheckConstraint("priority IN ('none', 'low', 'medium', 'high')", name="priority"),
        CheckConstraint(DUE_FORM, name="due"),
        CheckConstraint("version >= 1", name="version"),
        Index(
            "ix_todo_items_in_order",
            "owner_key",
            "list_id",
            "position",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    id: Mapped[str] = mapped_column(KEY, primary_key=True)
    list_id: Mapped[str] = mapped_column(KEY)
    title: Mapped[str] = mapped_column(Text)
    notes: Mapped[str] = mapped_column(Text, server_default=text("''"))
    done: Mapped[bool] = mapped_column(server_default=text("false"))
    due: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(Text, server_default=text("'none'"))
    position: Mapped[str] = mapped_column(KEY)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    deleted_at: Mapped[datetime | None] = mapped_column(MOMENT)


class ChangeRow(Base):
    """The journal and the outbox in one: a change waits here until the relay has published it."""

    __tablename__ = "changes"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key"], ["owners.owner_key"]),
        UniqueConstraint("owner_key", "change_id"),
        CheckConstraint("revision >= 1", name="revision"),
        CheckConstraint("author IN ('chat', 'board', 'mcp', 'system')", name="author"),
        Index("ix_changes_unpublished", "owner_key", "revision", postgresql_where=text("published_at IS NULL")),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    change_id: Mapped[str] = mapped_column(KEY)
    operation_id: Mapped[str] = mapped_column(KEY)
    author: Mapped[str] = mapped_column(Text)
    # Not now(): that is the transaction's start, before it waited for the owner.
    at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.clock_timestamp())
    traceparent: Mapped[str | None] = mapped_column(Text)
    published_at: Mapped[datetime | None] = mapped_column(MOMENT)


class ImageRow(Base):
    """A row before and after a change, written by the trigger, never by this service's code."""

    __tablename__ = "change_images"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key", "revision"], ["changes.owner_key", "changes.revision"]),
        CheckConstraint("kind IN ('list', 'item')", name="kind"),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    row_id: Mapped[str] = mapped_column(KEY)
    kind: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class TurnRow(Base):
    """What became of an operation id: the attempt that may act, and what the last one recorded.

    `outcome` and `result` belong to `attempt`; a seal clears them. `plan_hash` tells a repeat from a reuse of the id.
    """

    __tablename__ = "turns"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key"], ["owners.owner_key"]),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint("outcome IN ('applied', 'conflict', 'refused')", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (result IS NULL)", name="result"),
        Index("ix_turns_with_text", "updated_at", postgresql_where=text("(result #>> '{plan,understood}') <> '[]'")),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    operation_id: Mapped[str] = mapped_column(KEY, primary_key=True)
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    plan_hash: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    # Any: JSON as the contract's ApplyResult writes it; parsed before anyone looks into it.
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    cancelled_at: Mapped[datetime | None] = mapped_column(MOMENT)
    closed_at: Mapped[datetime | None] = mapped_column(MOMENT)
    crashes: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.now())


class AliasRow(Base):
    """What an owner calls a list, learned from an answer. A phrase may outlive its list: readers pass over it."""

    __tablename__ = "aliases"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key"], ["owners.owner_key"]),
        CheckConstraint("char_length(phrase) BETWEEN 1 AND 100", name="phrase"),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    phrase: Mapped[str] = mapped_column(KEY, primary_key=True)
    list_id: Mapped[str] = mapped_column(KEY)
    learned_at: Mapped[datetime] = mapped_column(MOMENT, server_default=func.clock_timestamp())


class PendingRow(Base):
    """The one open question of a session. Taken by one turn, which may ask for it again; gone when it expires."""

    __tablename__ = "pending"
    __table_args__ = (
        ForeignKeyConstraint(["owner_key"], ["owners.owner_key"]),
        Index("ix_pending_expires_at", "expires_at"),
    )

    owner_key: Mapped[str] = mapped_column(KEY, primary_key=True)
    session_id: Mapped[str] = mapped_column(KEY, primary_key=True)
    asked_by: Mapped[str] = mapped_column(KEY)
    taken_by: Mapped[str | None] = mapped_column(KEY)
    # Any: JSON as the contract's Question writes it; parsed before anyone looks into it.
    question: Mapped[dict[str, Any]] = mapped_column(JSONB(none_as_null=True))
    expires_at: Mapped[datetime] = mapped_column(MOMENT)
