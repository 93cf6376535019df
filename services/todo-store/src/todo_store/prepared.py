"""Statements that are put into SQL once, when their module is loaded, and go to the driver as they are.

SQLAlchemy says what they are and takes no part in running them: its own way from a statement to asyncpg and back takes
some 180 us of CPU each time, five times what asyncpg takes, and an operation is about twenty statements.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVarTuple

import asyncpg
from sqlalchemy import Row
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TypedReturnsRows

Columns = TypeVarTuple("Columns")
Parameters = Mapping[str, Any]  # Any: what a driver takes as a column's value

_DIALECT: Final = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Command:
    """A statement that writes and has no rows to tell. `columns` are those of an INSERT whose values come with it."""

    def __init__(self, statement: UpdateBase | TypedReturnsRows[*tuple[Any, ...]], columns: Iterable[str] = ()) -> None:
        compiled = statement.compile(dialect=_DIALECT, column_keys=list(columns) or None)
        self.sql: Final = str(compiled)
        self._order: Final[tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]] = tuple(
            (name, bind, bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT))
            for name in compiled.positiontup or ()
            for bind in (compiled.binds[name],)
        )

    def arguments(self, parameters: Parameters) -> list[Any]:
        """The parameters in the order of the SQL. Raises KeyError for one that is missing."""
        return [
            _processed(parameters[name] if bind.required else bind.value, process)
            for name, bind, process in self._order
        ]


class Query(Command, Generic[*Columns]):
    """A statement with rows."""

    def __init__(self, statement: TypedReturnsRows[*Columns]) -> None:
        super().__init__(statement)
        self._names: Final = SimpleResultMetaData([str(column.key) for column in statement.exported_columns])

    def rows(self, records: Sequence[asyncpg.Record]) -> Sequence[Row[*Columns]]:
        """What the driver read, as SQLAlchemy's rows."""
        result: IteratorResult[*Columns] = IteratorResult(self._names, (tuple(record) for record in records))
        return result.all()


def _processed(value: Any, process: Callable[[Any], Any] | None) -> Any:  # Any: a column's value
    return value if process is None else process(value)
