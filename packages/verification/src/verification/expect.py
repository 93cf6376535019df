"""What a plan says: the diff that must be seen after it, the rows it relies on, and what is so already."""

from collections.abc import Sequence

from contracts.operations import (
    CompleteItem,
    CreateItem,
    CreateList,
    DeleteItem,
    DeleteList,
    MoveItem,
    Operation,
    RenameList,
    UndoChange,
    UpdateItem,
)
from contracts.store import Snapshot
from contracts.todo import Diff
from verification.diff import diff
from verification.draft import Draft
from verification.model import apply
from verification.place import Run, runs, was_in
from verification.state import State, state_of
from verification.undo import NO_HISTORY, History, rows_of, undone


def expect(source: Snapshot | State, operations: Sequence[Operation], history: History = NO_HISTORY) -> Diff:
    """The diff that CONFIRM must see if the operations, and nothing else, are done. Raises ModelError.

    `history`: the journal entry of a change that is taken back, by its id.
    """
    state = state_of(source)
    return diff(state, apply(state, operations, history))


def already_so(
    source: Snapshot | State, operations: Sequence[Operation], history: History = NO_HISTORY
) -> tuple[Operation, ...]:
    """The operations that change nothing a user can see, each judged after those before it. Raises ModelError."""
    state = state_of(source)
    former = undone(state, operations, history)
    if former is not None:
        return () if diff(state, former).changes else tuple(operations)
    draft = Draft(state)
    return tuple(operation for operation in operations if not draft.perform(operation))


def versions_relied_on(
    source: Snapshot | State, operations: Sequence[Operation], history: History = NO_HISTORY
) -> dict[str, int]:
    """The versions that must still stand when the operations are applied, by row id. Raises ModelError.

    These are the rows that the operations name, the items that go with a deleted list (the user agreed to lose them as
    they were), the rows of a change that is taken back, and the items that a moved one ends up between. Adding to a
    list relies on none: that it is alive, the store checks.
    """
    state = state_of(source)
    after = undone(state, operations, history)
    ids = set(rows_of(state, operations, history))
    if after is None:
        draft = Draft(state)
        for operation in operations:
            ids.update(_named(operation, draft))
            draft.perform(operation)
        after = draft.state()
    ids.update(_neighbours(state, after))
    rows = {row_id: state.row(row_id) for row_id in sorted(ids)}
    return {row_id: row.version for row_id, row in rows.items() if row is not None}


def _named(operation: Operation, draft: Draft) -> tuple[str, ...]:
    match operation:
        case UpdateItem() | CompleteItem() | DeleteItem():
            return (operation.item_id,)
        case MoveItem():
            return tuple(row_id for row_id in (operation.item_id, operation.after_id) if row_id is not None)
        case RenameList():
            return (operation.list_id,)
        case DeleteList():
            return (operation.list_id, *draft.items_in(operation.list_id))
        case CreateList() | CreateItem() | UndoChange():
            return ()


def _neighbours(before: State, after: State) -> set[str]:
    """The items on both sides of the placed ones; without them there is no telling that, and where to, they moved.

    Items that come into a list at its end need none: the end is the end, whoever stands there.
    """
    placed = ((list_id, run) for list_id in after.order for run in runs(before, after, list_id))
    telling = (run for list_id, run in placed if run.before is not None or _were_in(before, run, list_id))
    return {item_id for run in telling for item_id in (run.behind, run.before) if item_id is not None}


def _were_in(before: State, run: Run, list_id: str) -> bool:
    return any(was_in(before, item_id, list_id) for item_id in run.ids)
