"""Who else writes: neighbours whose edits have nothing to do with the request, and rivals who go for its target."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random
from typing import Final

from bench.faults.case import Case, Company, End, Point, Visit, only, scripted
from bench.faults.state import Edit, Item, List, State, edited
from bench.faults.templates import Template
from contracts.turns import Outcome

GARDEN: Final = List("Garden", (Item("rake"), Item("seeds", done=True), Item("hose")))
"""A list that no request is about."""

NEIGHBOURS: Final = (
    (Edit("add_item", "gloves", "Garden"),),
    (Edit("complete_item", "rake"), Edit("rename_item", "hose", "pipe")),
    (
        Edit("delete_item", "seeds"),
        Edit("note_item", "rake", "in the shed"),
        Edit("rename_list", "Garden", "Allotment"),
    ),
)


def in_surroundings(template: Template, *, front: bool) -> Template:
    """The template with a list beside its own, in front of them or behind, so that aliases are not always the same."""

    def around(state: State) -> State:
        return (GARDEN, *state) if front else _before_new(state, template.seed)

    return replace(template, seed=around(template.seed), end=around(template.end))


def _before_new(state: State, seed: State) -> State:
    """Behind the lists that were there; what a request makes comes at the end."""
    made = max(0, len(state) - len(seed))
    return (*state[: len(state) - made], GARDEN, *state[len(state) - made :])


def with_neighbour(case: Case, random: Random) -> Case:
    """The case with somebody who edits another list meanwhile."""
    at = random.choice(list(Point))
    return replace(
        case, company=Company(f"a neighbour {at.value}", (Visit(at, random.choice(NEIGHBOURS)),), spares=True)
    )


def rivals(templates: Iterable[Template]) -> Iterator[Case]:
    """F7: the target is edited, renamed, moved or deleted by somebody else, at each point."""
    for template in templates:
        if template.changes and template.target:
            yield from _list_rivals(template) if _is_list(template) else _item_rivals(template)


def _is_list(template: Template) -> bool:
    return any(row.name == template.target for row in template.seed)


def _case(template: Template, name: str, ends: tuple[End, ...], *visits: Visit, gone: bool = False) -> Case:
    """`gone`: the target is not there any more when the model is asked again, and it says so."""
    missing = {"plan": [{"op": "missing", "text": template.target}]}
    right = {"plan": list(template.steps)}
    script = (right, missing) if gone else (right,)
    return Case("F7", name, template, scripted(*script, template=template), ends, company=Company(name, visits))


def _item_rivals(template: Template) -> Iterator[Case]:
    title, before, end = template.target, template.before, template.end
    note = Edit("note_item", title, "urgent")
    again = Edit("note_item", title, "very urgent")
    renaming = Edit("rename_item", title, "umbrella")
    moving = Edit("move_item", title, "Garden")
    deleting = Edit("delete_item", title)
    nothing = (Outcome.NOT_FOUND, Outcome.CLARIFY, Outcome.CONFLICT)
    undoes = template.name == "undo"
    if undoes:
        # What the change left is not there any more: it cannot be taken back as it was.
        for edit in (note, renaming, moving, deleting):
            yield _case(template, f"{edit.what}, planned", _undo_ends(template, edit), Visit(Point.PLANNED, (edit,)))
        return
    # Changing a row that was meant all along: the new plan says the same.
    yield _case(
        template,
        "target edited, planned",
        only(_noted(end, template, note), Outcome.CONFIRMED),
        Visit(Point.PLANNED, (note,)),
    )
    yield _case(
        template,
        "target edited, thinking",
        only(_noted(end, template, note), Outcome.CONFIRMED),
        Visit(Point.THINKING, (note,)),
    )
    twice = edited(edited(before, note), again)
    yield _case(
        template,
        "target edited twice",
        only(twice, Outcome.CONFLICT),
        Visit(Point.PLANNED, (note,)),
        Visit(Point.PLANNED, (again,), 2),
    )
    for edit, at in (
        (renaming, Point.PLANNED),
        (renaming, Point.THINKING),
        (deleting, Point.PLANNED),
        (deleting, Point.THINKING),
    ):
        first = at is Point.PLANNED
        ends = only(edited(before, edit), *nothing)
        if template.name in {"complete several", "delete several"}:
            # What is left of the request may be done, as long as it is told.
            ends = (
                *ends,
                End(
                    edited(end, edit) if edit is deleting else _without(template, edit), frozenset({Outcome.CONFIRMED})
                ),
            )
        yield _case(template, f"{edit.what}, {at.value}", ends, Visit(at, (edit,)), gone=first)
    in_list = template.name == "complete in a list"
    moved = only(edited(before, moving), *nothing) if in_list else (only(_moved(template), Outcome.CONFIRMED))
    yield _case(template, "target moved, planned", moved, Visit(Point.PLANNED, (moving,)))
    # After our apply it is theirs to change; what was done stays done.
    if any(item.title == title for row in end for item in row.items):
        for edit in (note, renaming, moving, deleting):
            yield _case(
                template,
                f"{edit.what}, applied",
                only(edited(end, edit), Outcome.CONFIRMED),
                Visit(Point.APPLIED, (edit,)),
            )


def _noted(end: State, template: Template, note: Edit) -> State:
    renamed = {"rename item": "cream"}.get(template.name)
    return edited(end, note._replace(name=renamed) if renamed else note)


def _moved(template: Template) -> State:
    """The end where the target stands in the other list already: whatever is done to it is done there."""
    title = template.target
    if template.name == "move":
        return template.end
    return edited(template.end, Edit("move_item", _renamed_to(template) or title, "Garden"))


def _renamed_to(template: Template) -> str:
    return {"rename item": "cream"}.get(template.name, "")


def _without(template: Template, edit: Edit) -> State:
    """Of a request for several, all done but for the one that was renamed away."""
    done = edited(template.end, Edit("delete_item", template.target))
    kept = edited(template.before, edit)
    items = {item.title: item for row in done for item in row.items}
    return tuple(
        row._replace(
            items=tuple(
                items.get(item.title, item) for item in row.items if item.title in items or item.title == edit.to
            )
        )
        for row in kept
    )


def _undo_ends(template: Template, edit: Edit) -> tuple[End, ...]:
    """The change is not taken back; or the newest change, which is the rival's by now, is what "undo" means."""
    honest = frozenset({Outcome.CONFLICT, Outcome.CLARIFY, Outcome.NOT_FOUND, Outcome.REFUSED})
    return (End(edited(template.before, edit), honest), End(template.before, frozenset({Outcome.CONFIRMED})))


def _list_rivals(template: Template) -> Iterator[Case]:
    name, before, end = template.target, template.before, template.end
    renaming, deleting = Edit("rename_list", name, "Larder"), Edit("delete_list", name)
    adding = Edit("add_item", "surprise", name)
    nothing = (Outcome.NOT_FOUND, Outcome.CLARIFY, Outcome.CONFLICT)
    fills = template.steps[0]["op"] == "add_item"
    yield _case(
        template,
        "list deleted, planned",
        only(edited(before, deleting), *nothing),
        Visit(Point.PLANNED, (deleting,)),
        gone=True,
    )
    yield _case(
        template, "list deleted, thinking", only(edited(before, deleting), *nothing), Visit(Point.THINKING, (deleting,))
    )
    if fills:
        # An item goes to a list, not to a name; under which one it stands is told.
        yield _case(
            template,
            "list renamed, planned",
            only(edited(end, renaming), Outcome.CONFIRMED),
            Visit(Point.PLANNED, (renaming,)),
        )
        yield _case(
            template,
            "list filled, planned",
            only(edited(end, adding), Outcome.CONFIRMED),
            Visit(Point.PLANNED, (adding,)),
        )
        yield _case(
            template,
            "list filled, applied",
            only(edited(end, adding), Outcome.CONFIRMED),
            Visit(Point.APPLIED, (adding,)),
        )
        yield _case(
            template,
            "list renamed, applied",
            only(edited(end, renaming), Outcome.CONFIRMED),
            Visit(Point.APPLIED, (renaming,)),
        )
        yield _case(
            template,
            "list deleted, applied",
            only(edited(end, deleting), Outcome.CONFIRMED),
            Visit(Point.APPLIED, (deleting,)),
        )
        return
    yield _case(
        template,
        "list renamed, planned",
        only(edited(before, renaming), *nothing),
        Visit(Point.PLANNED, (renaming,)),
        gone=True,
    )
    if template.steps[0]["op"] == "delete_list":
        # What nobody agreed to lose must not go with it: asked again, the model says the same, and so does the user.
        kept = edited(before, adding)
        yield _case(
            template,
            "list filled twice before it is deleted",
            only(edited(kept, adding._replace(name="another")), Outcome.CONFLICT),
            Visit(Point.PLANNED, (adding,)),
            Visit(Point.PLANNED, (adding._replace(name="another"),), 2),
        )
    else:
        renamed = Edit("add_item", "surprise", "Holidays")
        yield _case(
            template,
            "list filled, planned",
            only(edited(end, renamed), Outcome.CONFIRMED),
            Visit(Point.PLANNED, (adding,)),
        )
        yield _case(
            template,
            "renamed list filled, applied",
            only(edited(end, renamed), Outcome.CONFIRMED),
            Visit(Point.APPLIED, (renamed,)),
        )
