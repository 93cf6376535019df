"""Rows may be removed by whoever forgets their owner, and by nobody else; kept sentences are found by their age."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"

# The setting ends with the transaction that set it, and names the one owner whose rows may go.
REFUSAL: Final = """
CREATE OR REPLACE FUNCTION todo_refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.owner_key = current_setting('todo.forgotten', true) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are not removed; set deleted_at', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""
FORMER: Final = """
CREATE OR REPLACE FUNCTION todo_refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are not removed; set deleted_at', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""


def upgrade() -> None:
    op.execute(REFUSAL)
    op.create_index(
        "ix_turns_with_text",
        "turns",
        ["updated_at"],
        unique=False,
        postgresql_where=sa.text("(result #>> '{plan,understood}') <> '[]'"),
    )


def downgrade() -> None:
    op.drop_index("ix_turns_with_text", table_name="turns")
    op.execute(FORMER)
