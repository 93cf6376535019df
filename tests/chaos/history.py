"""What happened in a run, as data: what was asked and told at the clients, and what streams and database hold after it.

Nothing here reads or judges: `collect` fills it in, `checker` judges.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from contracts.turns import TurnCompleted, TurnStarted


class Kind(StrEnum):
    CREATE_LIST = "create_list"
    ADD = "add"
    COMPLETE = "complete"
    RENAME = "rename"
    DELETE = "delete"
    COUNT = "count"


@dataclass(frozen=True)
class Step:
    """One request of which it is known what must become of it. Titles are unique, and touched by one session alone."""

    kind: Kind
    list_name: str
    title: str = ""
    new_title: str = ""

    @property
    def text(self) -> str:
        """The request in words that the stand-in model understands."""
        match self.kind:
            case Kind.CREATE_LIST:
                return f"create a list called {self.list_name}"
            case Kind.ADD:
                return f"add {self.title} to {self.list_name}"
            case Kind.COMPLETE:
                return f"mark {self.title} as done in {self.list_name}"
            case Kind.RENAME:
                return f"rename {self.title} to {self.new_title} in {self.list_name}"
            case Kind.DELETE:
                return f"take {self.title} off {self.list_name}"
            case Kind.COUNT:
                return f"how many items are on {self.list_name}?"


@dataclass(frozen=True)
class Told:
    """A `turn.completed` that a client received, with the stream's sequence that came with it."""

    sequence: int | None
    turn: TurnCompleted


@dataclass
class Asked:
    """One turn as its client knows it. `accepted` counts how often it was told so: once for each time it was sent.
    `rejected`: it was told that nothing was or will be done."""

    turn_id: str
    step: Step
    accepted: int = 0
    rejected: bool = False
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True)
class Start:
    sequence: int
    turn: TurnStarted


@dataclass(frozen=True)
class End:
    sequence: int
    turn: TurnCompleted


@dataclass(frozen=True)
class Image:
    """A row before and after one change, as the database's trigger wrote it."""

    row_id: str
    kind: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True)
class Change:
    revision: int
    change_id: str
    operation_id: str
    images: tuple[Image, ...]


@dataclass(frozen=True)
class Item:
    list_name: str
    title: str
    done: bool


@dataclass(frozen=True)
class History:
    """One owner's run. `starts` and `ends` are in the order of the stream, `changes` in that of their revisions.

    `lists` and `items` are the rows that live at the end. `taken_over` counts turns with a second attempt, `crashed`
    those whose worker died at least once, `dead` those in DLQ.
    """

    asked: tuple[Asked, ...] = ()
    starts: tuple[Start, ...] = ()
    ends: tuple[End, ...] = ()
    changes: tuple[Change, ...] = ()
    revision: int = 0
    lists: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()
    dead: tuple[str, ...] = ()
    taken_over: int = 0
    crashed: int = 0
