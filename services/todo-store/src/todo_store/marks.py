"""The moment of a snapshot, so that a later one can tell what was written since. Pure.

PostgreSQL stamps each version of a row with the number of the transaction that wrote it (its system column `xmin`), and
a snapshot knows the oldest transaction that was still under way. Every version written by that transaction or a later
one may be new; every older one was there, as it is. This holds whatever wrote the row: it asks no journal, no trigger
and no version column. Sources: PostgreSQL 18, chapters 5.6 (System Columns) and 9.27.8 (Transaction ID and Snapshot
Information Functions).
"""

from dataclasses import dataclass
from typing import Final

FAR: Final = 2**30
"""Transactions between two moments that are still compared. A row keeps 32 bits of the number, whose order turns over
at 2**31; half of that leaves room."""
_FIELDS: Final = 3


@dataclass(frozen=True)
class Mark:
    """`run` names the server's run and the tables, `oldest` the oldest transaction under way, `revision` the owner's.

    A server that was restored, failed over or replaced has another run, so transaction numbers of two histories are
    never compared; nor are those of two tables.
    """

    run: str
    oldest: int
    revision: int

    def __str__(self) -> str:
        return f"{self.run}/{self.oldest}/{self.revision}"

    def follows(self, earlier: "Mark") -> bool:
        """Whether what was written since `earlier` can be told at this moment."""
        return self.run == earlier.run and earlier.revision <= self.revision and 0 <= self.oldest - earlier.oldest < FAR


def mark_of(text: str) -> Mark | None:
    """The mark that was given out as this text; None for any other text."""
    fields = text.split("/")
    if len(fields) != _FIELDS or not all(field.isascii() and field.isdigit() for field in fields[1:]):
        return None
    return Mark(run=fields[0], oldest=int(fields[1]), revision=int(fields[2]))
