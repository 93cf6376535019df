"""The model of a to-do store: what its rows should be after some operations."""

from collections.abc import Iterable

from contracts.operations import Operation
from verification.draft import Draft
from verification.state import State, state_of
from verification.undo import NO_HISTORY, History, undone

__all__ = ["State", "apply", "state_of"]


def apply(state: State, operations: Iterable[Operation], history: History = NO_HISTORY) -> State:
    """The state after the operations, in their order; the given one stays as it is.

    `history` holds the journal entry of a change that is taken back, by its id: what that comes to stands in the
    journal and not in the rows.

    Raises a ModelError where the store would refuse: an unknown row, a taken id, a limit, an impossible place, and
    what `undo.undone` raises.
    """
    operations = tuple(operations)
    former = undone(state, operations, history)
    if former is not None:
        return former
    draft = Draft(state)
    for operation in operations:
        draft.perform(operation)
    return draft.state()
