"""Migrations expand: the release before goes on working on the schema of this one, and is what one rolls back to."""

import io
import re
from collections.abc import Iterator
from types import ModuleType

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from todo_store import migrations

FIRST_HELD = "0005"
"""Those before were made while nothing was deployed."""
EXCUSE = "RELEASE_BEFORE_DOES_WITHOUT"
"""A migration that contracts says by this why the release before does not need what goes."""

CONTRACTING = {
    "takes a table or a column away": r"\bDROP (TABLE|COLUMN|TYPE|FUNCTION|TRIGGER|SCHEMA|VIEW)\b",
    "gives something another name": r"\bRENAME\b",
    "gives a column another type": r"\bALTER COLUMN \S+ (SET DATA )?TYPE\b",
    "forbids NULL, which the release before may write": r"\bSET NOT NULL\b",
    "adds a column that the release before does not fill": r"\bADD COLUMN (?=[^;]*\bNOT NULL\b)(?![^;]*\bDEFAULT\b)",
    "takes a default away that the release before relies on": r"\bDROP DEFAULT\b",
    "forbids rows that the release before may write": r"\bADD (CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b",
    "forbids equal rows, which the release before may write": r"\bCREATE UNIQUE INDEX\b",
    "takes rows away": r"\b(TRUNCATE\b(?! ON\b)|DELETE FROM\b)",
}


def contractions(sql: str) -> list[str]:
    """What in the statements of a migration the release before could not live with."""
    # A table that is new is nobody's yet: what is said of its own columns and rows holds nobody up.
    # What a function does is not done by the migration.
    left = re.sub(r"\bCREATE TABLE\b[^;]*;", "", re.sub(r"\$\$.*?\$\$", "", sql, flags=re.DOTALL), flags=re.IGNORECASE)
    return [what for what, how in CONTRACTING.items() if re.search(how, left, re.IGNORECASE)]


def statements(module: ModuleType) -> str:
    """A migration as SQL."""
    said = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": said, "literal_binds": True}
    )
    with Operations.context(context):
        module.upgrade()
    return said.getvalue()


def held() -> Iterator[ModuleType]:
    for script in ScriptDirectory.from_config(migrations.config()).walk_revisions():
        if script.revision >= FIRST_HELD:
            yield script.module


def test_every_migration_only_adds_or_says_why_the_release_before_does_without() -> None:
    for module in held():
        found = contractions(statements(module))
        assert not found or getattr(module, EXCUSE, ""), (
            f"{module.__name__} {'; '.join(found)}: set {EXCUSE}, or expand"
        )


def test_the_first_migrations_are_read_too_and_what_they_add_to_tables_that_are_there_is_harmless() -> None:
    scripts = {one.revision: one.module for one in ScriptDirectory.from_config(migrations.config()).walk_revisions()}
    assert "ADD COLUMN closed_at" in statements(scripts["0003"])
    assert [name for name in sorted(scripts) if contractions(statements(scripts[name]))] == []


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE pending;",
        "ALTER TABLE turns DROP COLUMN crashes;",
        "ALTER TABLE turns RENAME COLUMN crashes TO deaths;",
        "ALTER TABLE turns RENAME TO operations;",
        "ALTER TABLE turns ALTER COLUMN attempt TYPE bigint;",
        "ALTER TABLE turns ALTER COLUMN plan_hash SET NOT NULL;",
        "ALTER TABLE turns ADD COLUMN door TEXT NOT NULL;",
        "ALTER TABLE turns ALTER COLUMN crashes DROP DEFAULT;",
        "ALTER TABLE turns ADD CONSTRAINT few CHECK (crashes < 3);",
        "CREATE UNIQUE INDEX one_name ON todo_lists (owner_key, name);",
        "DELETE FROM aliases;",
        "TRUNCATE pending;",
    ],
)
def test_what_the_release_before_could_not_live_with_is_noticed(sql: str) -> None:
    assert contractions(f"CREATE TABLE labels (id TEXT NOT NULL);\n\n{sql}\n\n") != []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE labels (id TEXT NOT NULL, CONSTRAINT pk_labels PRIMARY KEY (id));",
        "ALTER TABLE turns ADD COLUMN door TEXT;",
        "ALTER TABLE turns ADD COLUMN door TEXT DEFAULT 'chat' NOT NULL;",
        "CREATE INDEX ix ON turns (updated_at);",
        "DROP INDEX ix;",
    ],
)
def test_what_only_adds_is_let_through(sql: str) -> None:
    assert contractions(sql) == []
