"""The requests of the matrix: rows before, words, the right plan, and the rows after them, all written by hand."""

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from bench.faults.state import Edit, Item, List, State, edited
from contracts.turns import Outcome

Step = dict[str, JsonValue]


@dataclass(frozen=True)
class Template:
    """One request. `steps` is the right plan, with `{"$list": name}` and `{"$item": title}` for aliases."""

    name: str
    request: str
    seed: State
    steps: tuple[Step, ...]
    end: State
    outcome: Outcome
    earlier: Edit | None = None  # made through the board between `seed` and the request
    target: str = ""  # the one item or list that the request is about
    other_list: str = ""  # and where it goes

    @property
    def changes(self) -> bool:
        return self.outcome is Outcome.CONFIRMED

    @property
    def before(self) -> State:
        """The rows that the request meets."""
        return self.seed if self.earlier is None else edited(self.seed, self.earlier)


def item(title: str) -> JsonValue:
    return {"$item": title}


def list_(name: str) -> JsonValue:
    return {"$list": name}


MILK, EGGS, BREAD = Item("milk"), Item("eggs"), Item("bread", done=True)
TICKETS, PASSPORT = Item("tickets"), Item("passport")
GROCERIES: Final = List("Groceries", (MILK, EGGS, BREAD))
TRAVEL: Final = List("Travel", (TICKETS, PASSPORT))
HOME: Final[State] = (GROCERIES, TRAVEL)
SHEDS: Final[State] = (List("Attic", (Item("lamp"), Item("rope"))), List("Cellar", (Item("lamp"),)))
TWINS: Final[State] = (List("Errands", (Item("post"),)), List("Errands", (Item("bank"),)), TRAVEL)


def groceries(*items: Item) -> State:
    return (List("Groceries", items), TRAVEL)


def done(*titles: str) -> tuple[Step, ...]:
    return tuple({"op": "complete_item", "item": item(title)} for title in titles)


def change(name: str, request: str, steps: tuple[Step, ...], end: State, **more: str) -> Template:
    return Template(name, request, HOME, steps, end, Outcome.CONFIRMED, **more)  # type: ignore[arg-type]


def same(name: str, request: str, steps: tuple[Step, ...], outcome: Outcome, seed: State = HOME) -> Template:
    return Template(name, request, seed, steps, seed, outcome)


TEMPLATES: Final = (
    change(
        "create list",
        "create a list called Work",
        ({"op": "create_list", "text": "Work"},),
        (GROCERIES, TRAVEL, List("Work")),
    ),
    change(
        "create with items",
        "create a list called Party with cake and balloons",
        (
            {"op": "create_list", "text": "Party"},
            {"op": "add_item", "list": "N1", "text": "cake"},
            {"op": "add_item", "list": "N1", "text": "balloons"},
        ),
        (GROCERIES, TRAVEL, List("Party", (Item("cake"), Item("balloons")))),
    ),
    change(
        "add one",
        "add tea to Groceries",
        ({"op": "add_item", "list": list_("Groceries"), "text": "tea"},),
        groceries(MILK, EGGS, BREAD, Item("tea")),
        target="Groceries",
    ),
    change(
        "add several",
        "add tea, rice and salt to Groceries",
        tuple({"op": "add_item", "list": list_("Groceries"), "text": text} for text in ("tea", "rice", "salt")),
        groceries(MILK, EGGS, BREAD, Item("tea"), Item("rice"), Item("salt")),
        target="Groceries",
    ),
    change(
        "add with details",
        "add visa to Travel due 2031-05-06 with high priority",
        ({"op": "add_item", "list": list_("Travel"), "text": "visa", "due": "2031-05-06", "priority": "high"},),
        (GROCERIES, List("Travel", (TICKETS, PASSPORT, Item("visa", due="2031-05-06", priority="high")))),
        target="Travel",
    ),
    change(
        "complete", "mark milk as done", done("milk"), groceries(MILK._replace(done=True), EGGS, BREAD), target="milk"
    ),
    change(
        "complete in a list",
        "mark tickets on Travel as done",
        done("tickets"),
        (GROCERIES, List("Travel", (TICKETS._replace(done=True), PASSPORT))),
        target="tickets",
    ),
    change(
        "complete several",
        "mark milk and eggs as done",
        done("milk", "eggs"),
        groceries(MILK._replace(done=True), EGGS._replace(done=True), BREAD),
        target="eggs",
    ),
    change(
        "reopen",
        "reopen bread",
        ({"op": "reopen_item", "item": item("bread")},),
        groceries(MILK, EGGS, BREAD._replace(done=False)),
        target="bread",
    ),
    change(
        "rename list",
        "rename the list Travel to Holidays",
        ({"op": "rename_list", "list": list_("Travel"), "text": "Holidays"},),
        (GROCERIES, List("Holidays", (TICKETS, PASSPORT))),
        target="Travel",
    ),
    change(
        "rename item",
        "rename milk to cream",
        ({"op": "update_item", "item": item("milk"), "text": "cream"},),
        groceries(Item("cream"), EGGS, BREAD),
        target="milk",
    ),
    change(
        "move",
        "move milk to Travel",
        ({"op": "move_item", "item": item("milk"), "list": list_("Travel")},),
        (List("Groceries", (EGGS, BREAD)), List("Travel", (TICKETS, PASSPORT, MILK))),
        target="milk",
        other_list="Travel",
    ),
    change(
        "delete item",
        "delete eggs",
        ({"op": "delete_item", "item": item("eggs")},),
        groceries(MILK, BREAD),
        target="eggs",
    ),
    change(
        "delete several",
        "delete milk and eggs",
        ({"op": "delete_item", "item": item("milk")}, {"op": "delete_item", "item": item("eggs")}),
        groceries(BREAD),
        target="milk",
    ),
    change(
        "delete list, confirmed",
        "yes, delete the list Travel",
        ({"op": "delete_list", "list": list_("Travel")},),
        (GROCERIES,),
        target="Travel",
    ),
    change(
        "clear what is done",
        "delete all done items from Groceries",
        ({"op": "delete_item", "list": list_("Groceries"), "select": "done"},),
        groceries(MILK, EGGS),
    ),
    change(
        "due date",
        "set milk due 2031-05-06",
        ({"op": "update_item", "item": item("milk"), "due": "2031-05-06"},),
        groceries(MILK._replace(due="2031-05-06"), EGGS, BREAD),
        target="milk",
    ),
    change(
        "priority",
        "set tickets to high priority",
        ({"op": "update_item", "item": item("tickets"), "priority": "high"},),
        (GROCERIES, List("Travel", (TICKETS._replace(priority="high"), PASSPORT))),
        target="tickets",
    ),
    Template(
        "undo",
        "undo that",
        HOME,
        ({"op": "undo"},),
        HOME,
        Outcome.CONFIRMED,
        earlier=Edit("complete_item", "milk"),
        target="milk",
    ),
    same(
        "delete list, asked",
        "delete the list Travel",
        ({"op": "delete_list", "list": list_("Travel")},),
        Outcome.CLARIFY,
    ),
    same("question", "what is on Groceries?", ({"op": "show", "list": list_("Groceries")},), Outcome.ANSWERED),
    same(
        "count",
        "how many open items are on Groceries?",
        ({"op": "count", "list": list_("Groceries"), "select": "open"},),
        Outcome.ANSWERED,
    ),
    same("done already", "mark bread as done", done("bread"), Outcome.ALREADY_SO),
    same(
        "there already",
        "add milk to Groceries",
        ({"op": "add_item", "list": list_("Groceries"), "text": "milk"},),
        Outcome.ALREADY_SO,
    ),
    same("unknown item", "mark cheese as done", ({"op": "missing", "text": "cheese"},), Outcome.NOT_FOUND),
    same("unknown list", "add tea to Office", ({"op": "missing", "text": "Office"},), Outcome.NOT_FOUND),
    same("two items alike", "mark lamp as done", done("lamp"), Outcome.CLARIFY, SHEDS),
    same(
        "two lists alike",
        "add stamps to Errands",
        ({"op": "add_item", "list": list_("Errands"), "text": "stamps"},),
        Outcome.CLARIFY,
        TWINS,
    ),
)
