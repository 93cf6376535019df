"""What a dialogue leaves: the open question of a session, and what an owner calls their lists."""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    op.create_table(
        "aliases",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("phrase", sa.Text(collation="C"), nullable=False),
        sa.Column("list_id", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "learned_at",
            postgresql.TIMESTAMP(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("char_length(phrase) BETWEEN 1 AND 100", name=op.f("ck_aliases_phrase")),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.owner_key"], name=op.f("fk_aliases_owners")),
        sa.PrimaryKeyConstraint("owner_key", "phrase", name=op.f("pk_aliases")),
    )
    op.create_table(
        "pending",
        sa.Column("owner_key", sa.Text(collation="C"), nullable=False),
        sa.Column("session_id", sa.Text(collation="C"), nullable=False),
        sa.Column("asked_by", sa.Text(collation="C"), nullable=False),
        sa.Column("taken_by", sa.Text(collation="C"), nullable=True),
        sa.Column("question", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_key"], ["owners.owner_key"], name=op.f("fk_pending_owners")),
        sa.PrimaryKeyConstraint("owner_key", "session_id", name=op.f("pk_pending")),
    )
    op.create_index("ix_pending_expires_at", "pending", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_pending_expires_at", table_name="pending")
    op.drop_table("pending")
    op.drop_table("aliases")
