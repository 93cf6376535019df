"""What is asked, what the model gets wrong, and what the lists should hold afterwards, written by hand.

A model here errs once: asked again, it does the right thing, except for the liar that cannot be brought to act. Names
stand for ids: `$list:Work` is the id of that list for a peer's tool, its alias in the state for our plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Row = tuple[str, bool]
"""An item's title, and whether it is done."""
State = Mapping[str, tuple[Row, ...]]
"""Items by the names of their lists."""
Arguments = Mapping[str, str]

SEED: Final[State] = {"Groceries": (("eggs", False), ("bread", False)), "Work": (("report", False),)}


@dataclass(frozen=True)
class Act:
    """One thing that a model does: a peer's tool and its arguments, and the same as a step of our plan."""

    tool: str
    arguments: Arguments
    step: Arguments


class Form(StrEnum):
    """How the first act of a model comes over the wire."""

    WELL = "well"
    TWICE = "twice"
    AS_TEXT = "as_text"
    BAD_JSON = "bad_json"
    EMPTY_ID = "empty_id"
    NO_CHOICES = "no_choices"
    ERROR_IN_200 = "error_in_200"
    LIE = "lie"


class OnError(StrEnum):
    """What the model does when a tool tells it of an error."""

    CLAIM = "claim"
    DENY = "deny"
    TRY_AGAIN = "try_again"


class StoreFault(StrEnum):
    """What the store does to the first write of a turn."""

    NONE = "none"
    LOSES = "loses"  # says that it is done, and it is not
    LATE = "late"  # commits, and no answer comes


@dataclass(frozen=True)
class Scenario:
    """One request under one fault. `first` is what the model does at first, in `form`; `right` what it should do."""

    name: str
    request: str
    right: tuple[Act, ...]
    gold: State
    first: tuple[Act, ...] = ()
    form: Form = Form.WELL
    on_error: OnError = OnError.CLAIM
    stubborn: bool = False
    store: StoreFault = StoreFault.NONE
    other_writer: bool = False
    may_claim: bool = True  # False: nothing that was asked for can be done
    seed: State = field(default_factory=lambda: SEED)

    @property
    def acts(self) -> tuple[Act, ...]:
        """What the model does at first."""
        return self.first or self.right


def _add(title: str, to: str, alias: Any = None) -> Act:
    where = f"$list:{to}"
    return Act(
        "add_item", {"list_id": where, "title": title}, {"op": "add_item", "list": alias or where, "text": title}
    )


def _on_item(tool: str, title: str) -> Act:
    target = f"$item:{title}"
    return Act(tool, {"item_id": target}, {"op": tool, "item": target})


def _groceries(*rows: Row) -> State:
    return {"Groceries": rows, "Work": (("report", False),)}


OTHERS_TITLE: Final = "napkins"
"""What the other writer adds to Groceries."""

_EGGS, _BREAD, _MILK, _NAPKINS = ("eggs", False), ("bread", False), ("milk", False), (OTHERS_TITLE, False)
_ADD_MILK: Final = "add milk to Groceries"
_MILK_ADDED: Final = _groceries(_EGGS, _BREAD, _MILK)
_WITH_NAPKINS: Final = _groceries(_EGGS, _BREAD, _NAPKINS, _MILK)
_ADDING: Final = (_add("milk", "Groceries"),)


def _adding(name: str, **fault: Any) -> Scenario:
    return Scenario(name, **{"request": _ADD_MILK, "right": _ADDING, "gold": _MILK_ADDED, **fault})


SCENARIOS: Final = (
    _adding("nothing goes wrong"),
    _adding("an id that does not exist", first=(_add("milk", "l0notthere", alias="L9"),)),
    _adding("the wrong list", first=(_add("milk", "Work"),)),
    Scenario(
        "the wrong item",
        request="mark eggs as done",
        right=(_on_item("complete_item", "eggs"),),
        first=(_on_item("complete_item", "bread"),),
        gold=_groceries(("eggs", True), _BREAD),
    ),
    Scenario(
        "more than was asked",
        request="delete bread",
        right=(_on_item("delete_item", "bread"),),
        first=(_on_item("delete_item", "bread"), _on_item("delete_item", "eggs")),
        gold=_groceries(_EGGS),
    ),
    Scenario(
        "what is asked for is not there",
        request="mark cheese as done",
        right=(),
        first=(_on_item("complete_item", "eggs"),),
        gold=SEED,
        may_claim=False,
    ),
    _adding("the same call twice", form=Form.TWICE),
    _adding("the store loses the write", store=StoreFault.LOSES),
    _adding("a claim without a call", form=Form.LIE),
    _adding("a claim without a call, again and again", form=Form.LIE, stubborn=True, gold=SEED, may_claim=False),
    _adding("the call as text", form=Form.AS_TEXT),
    _adding("arguments that are not JSON", form=Form.BAD_JSON),
    _adding("a call with an empty id", form=Form.EMPTY_ID),
    _adding("an answer without choices", form=Form.NO_CHOICES),
    _adding("HTTP 200 with an error", form=Form.ERROR_IN_200),
    _adding("no answer after the commit; the model gives up", store=StoreFault.LATE, on_error=OnError.DENY),
    _adding("no answer after the commit; the model tries again", store=StoreFault.LATE, on_error=OnError.TRY_AGAIN),
    _adding("another writer, and a claim without a call", form=Form.LIE, gold=_WITH_NAPKINS, other_writer=True),
    _adding("another writer", gold=_WITH_NAPKINS, other_writer=True),
)
