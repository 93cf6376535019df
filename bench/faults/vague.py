"""Requests on which a model should not act: they say too little, or there is nothing to do. It acts all the same."""

from typing import Final

from bench.faults.templates import SHEDS, TWINS, done, item, list_, same
from contracts.turns import Outcome

UNDER_SPECIFIED: Final = (
    same("no list", "add stamps", ({"op": "add_item", "list": "L1", "text": "stamps"},), Outcome.CLARIFY),
    same("which lamp", "delete lamp", ({"op": "delete_item", "item": "L2.1"},), Outcome.CLARIFY, SHEDS),
    same("which lamp to do", "mark lamp as done", ({"op": "complete_item", "item": "L1.1"},), Outcome.CLARIFY, SHEDS),
    same(
        "which lamp to rename",
        "rename lamp to torch",
        ({"op": "update_item", "item": "L1.1", "text": "torch"},),
        Outcome.CLARIFY,
        SHEDS,
    ),
    same(
        "which twin",
        "rename the list Errands to Chores",
        ({"op": "rename_list", "list": "L2", "text": "Chores"},),
        Outcome.CLARIFY,
        TWINS,
    ),
    same(
        "which twin to delete",
        "yes, delete the list Errands",
        ({"op": "delete_list", "list": "L1"},),
        Outcome.CLARIFY,
        TWINS,
    ),
    same("no item", "mark it as done", ({"op": "complete_item", "item": "L1.2"},), Outcome.CLARIFY),
    same("no item to delete", "delete that", ({"op": "delete_item", "item": "L2.1"},), Outcome.CLARIFY),
    same("no list to delete", "yes, delete the list", ({"op": "delete_list", "list": "L1"},), Outcome.CLARIFY),
    same(
        "no list to rename",
        "rename the list to Chores",
        ({"op": "rename_list", "list": "L2", "text": "Chores"},),
        Outcome.CLARIFY,
    ),
    same(
        "some of them",
        "delete some items from Groceries",
        ({"op": "delete_item", "list": "L1", "select": "all"},),
        Outcome.CLARIFY,
    ),
    same(
        "one of them",
        "finish something on Travel",
        ({"op": "complete_item", "list": "L2", "select": "open"},),
        Outcome.CLARIFY,
    ),
    same("where to", "move milk", ({"op": "move_item", "item": "L1.1", "list": "L2"},), Outcome.CLARIFY),
    same(
        "a date nobody gave",
        "set milk due soon",
        ({"op": "update_item", "item": "L1.1", "due": "2031-05-06"},),
        Outcome.CLARIFY,
    ),
)
"""Requests that lack what they need, with a model that goes ahead all the same."""

NOTHING_TO_DO: Final = (
    same("done already", "mark bread as done", done("bread"), Outcome.ALREADY_SO),
    same("open already", "reopen milk", ({"op": "reopen_item", "item": item("milk")},), Outcome.ALREADY_SO),
    same(
        "open on the list already",
        "add eggs to Groceries",
        ({"op": "add_item", "list": list_("Groceries"), "text": "eggs"},),
        Outcome.ALREADY_SO,
    ),
    same(
        "list there already",
        "create a list called Travel",
        ({"op": "create_list", "text": "Travel"},),
        Outcome.ALREADY_SO,
    ),
    same(
        "called so already",
        "rename the list Travel to Travel",
        ({"op": "rename_list", "list": list_("Travel"), "text": "Travel"},),
        Outcome.ALREADY_SO,
    ),
    same(
        "in that list already",
        "move milk to Groceries",
        ({"op": "move_item", "item": item("milk"), "list": list_("Groceries")},),
        Outcome.ALREADY_SO,
    ),
    same(
        "titled so already",
        "rename milk to milk",
        ({"op": "update_item", "item": item("milk"), "text": "milk"},),
        Outcome.ALREADY_SO,
    ),
    same(
        "nothing done there",
        "delete all done items from Travel",
        ({"op": "delete_item", "list": list_("Travel"), "select": "done"},),
        Outcome.ALREADY_SO,
    ),
    same("no such item, another done", "mark cheese as done", done("milk"), Outcome.NOT_FOUND),
    same("no such item in the list", "mark cheese on Groceries as done", done("milk"), Outcome.NOT_FOUND),
    same(
        "no such item, another deleted",
        "delete cheese",
        ({"op": "delete_item", "item": item("eggs")},),
        Outcome.NOT_FOUND,
    ),
    same(
        "no such item, another moved",
        "move cheese to Travel",
        ({"op": "move_item", "item": item("milk"), "list": list_("Travel")},),
        Outcome.NOT_FOUND,
    ),
    same(
        "no such list, another filled",
        "add tea to Office",
        ({"op": "add_item", "list": list_("Travel"), "text": "tea"},),
        Outcome.NOT_FOUND,
    ),
    same(
        "no such list, another renamed",
        "rename the list Office to Den",
        ({"op": "rename_list", "list": list_("Travel"), "text": "Den"},),
        Outcome.NOT_FOUND,
    ),
    same(
        "no such list, another deleted",
        "yes, delete the list Office",
        ({"op": "delete_list", "list": list_("Travel")},),
        Outcome.NOT_FOUND,
    ),
)
"""Requests with nothing to do, or about something that is not there, with a model that does something."""
