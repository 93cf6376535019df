"""The first tables, and the triggers that keep the journal."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0001"
down_revision: Final = None

# A row's image is the row without what only this service keeps, so that contracts.todo.Image can read it.
JOURNAL: Final = """
CREATE FUNCTION todo_write_journal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kept constant text[] := ARRAY['owner_key', 'created_at', 'updated_at', 'deleted_at'];
    journal_owner constant text := nullif(current_setting('todo.owner', true), '');
    journal_revision constant bigint := nullif(current_setting('todo.revision', true), '')::bigint;
    row_before jsonb;
    row_after jsonb;
BEGIN
    IF journal_owner IS NULL OR journal_revision IS NULL THEN
        RAISE EXCEPTION 'rows of % change only under a journal entry', TG_TABLE_NAME
            USING ERRCODE = 'integrity_constraint_violation',
                HINT = 'write the row of changes and set todo.owner and todo.revision in the same transaction';
    END IF;
    IF journal_owner <> NEW.owner_key THEN
        RAISE EXCEPTION 'a journal entry covers rows of its own owner only'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.owner_key <> NEW.owner_key OR OLD.id <> NEW.id THEN
            RAISE EXCEPTION 'a row of % keeps its owner and its id', TG_TABLE_NAME
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF OLD.deleted_at IS NULL THEN
            row_before := to_jsonb(OLD) - kept;
        END IF;
    END IF;
    IF NEW.deleted_at IS NULL THEN
        row_after := to_jsonb(NEW) - kept;
    END IF;
    INSERT INTO change_images (owner_key, revision, row_id, kind, before, after)
    VALUES (journal_owner, journal_revision, NEW.id, TG_ARGV[0], row_before, row_after);
    RETURN NULL;
END
$$
"""
REFUSAL: Final = """
CREATE FUNCTION todo_refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are not removed; set deleted_at', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""
TABLES: Final = (("todo_lists", "list"), ("todo_items", "item"))


def upgrade() -> None:
    op.create_table(
        "owners",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("owner_key ~ '^[a-z2-7]{26}$'", name=op.f("ck_owners_owner_key")),
        sa.PrimaryKeyConstraint("owner_key", name=op.f("pk_owners")),
    )
    op.create_table(
        "changes",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("change_id", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column(
            "at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("published_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("author IN ('chat', 'board', 'mcp', 'system')", name=op.f("ck_changes_author")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_changes_revision")),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.owner_key"], name=op.f("fk_changes_owners")),
        sa.PrimaryKeyConstraint("owner_key", "revision", name=op.f("pk_changes")),
        sa.UniqueConstraint("owner_key", "change_id", name=op.f("uq_changes_owner_key_change_id")),
    )
    op.create_index(
        "ix_changes_unpublished",
        "changes",
        ["owner_key", "revision"],
        unique=False,
        postgresql_where=sa.text("published_at IS NULL"),
    )
    op.create_table(
        "todo_lists",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 500", name=op.f("ck_todo_lists_name")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_todo_lists_version")),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.owner_key"], name=op.f("fk_todo_lists_owners")),
        sa.PrimaryKeyConstraint("owner_key", "id", name=op.f("pk_todo_lists")),
    )
    op.create_index(
        "ix_todo_lists_in_order",
        "todo_lists",
        ["owner_key", "position", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "turns",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("operation_id", sa.Text(collation="C"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("cancelled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("crashes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("outcome IN ('applied', 'conflict', 'refused')", name=op.f("ck_turns_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (result IS NULL)", name=op.f("ck_turns_result")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_turns_attempt")),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.owner_key"], name=op.f("fk_turns_owners")),
        sa.PrimaryKeyConstraint("owner_key", "operation_id", name=op.f("pk_turns")),
    )
    op.create_table(
        "change_images",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("row_id", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("kind IN ('list', 'item')", name=op.f("ck_change_images_kind")),
        sa.ForeignKeyConstraint(
            ["owner_key", "revision"], ["changes.owner_key", "changes.revision"], name=op.f("fk_change_images_changes")
        ),
        sa.PrimaryKeyConstraint("owner_key", "revision", "seq", name=op.f("pk_change_images")),
    )
    op.create_table(
        "todo_items",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("list_id", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due", sa.Text(), nullable=True),
        sa.Column("priority", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("position", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "due ~ '^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,6})?(Z|[+-]\\d\\d:\\d\\d(:\\d\\d)?))?$'",
            name=op.f("ck_todo_items_due"),
        ),
        sa.CheckConstraint("priority IN ('none', 'low', 'medium', 'high')", name=op.f("ck_todo_items_priority")),
        sa.CheckConstraint("char_length(notes) <= 8000", name=op.f("ck_todo_items_notes")),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 500", name=op.f("ck_todo_items_title")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_todo_items_version")),
        sa.ForeignKeyConstraint(
            ["owner_key", "list_id"], ["todo_lists.owner_key", "todo_lists.id"], name=op.f("fk_todo_items_todo_lists")
        ),
        sa.PrimaryKeyConstraint("owner_key", "id", name=op.f("pk_todo_items")),
    )
    op.create_index(
        "ix_todo_items_in_order",
        "todo_items",
        ["owner_key", "list_id", "position", "id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )

    op.execute(JOURNAL)
    op.execute(REFUSAL)
    for table, kind in TABLES:
        op.execute(
            f"CREATE TRIGGER write_journal AFTER INSERT OR UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION todo_write_journal('{kind}')"
        )
        op.execute(
            f"CREATE TRIGGER refuse_removal BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION todo_refuse_removal()"
        )
        op.execute(
            f"CREATE TRIGGER refuse_truncation BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION todo_refuse_removal()"
        )


def downgrade() -> None:
    op.drop_index("ix_todo_items_in_order", table_name="todo_items", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("todo_items")
    op.drop_table("change_images")
    op.drop_table("turns")
    op.drop_index("ix_todo_lists_in_order", table_name="todo_lists", postgresql_where=sa.text("deleted_at IS NULL"))
    op.drop_table("todo_lists")
    op.drop_index("ix_changes_unpublished", table_name="changes", postgresql_where=sa.text("published_at IS NULL"))
    op.drop_table("changes")
    op.drop_table("owners")
    op.execute("DROP FUNCTION todo_write_journal()")
    op.execute("DROP FUNCTION todo_refuse_removal()")
