"""The model of a to-do store: what its rows should be after some operations."""

from collections.abc import Iterable

from contracts.operations import Operation
from verification.draft import Draft
from verification.state import State, state_of

__all__ = ["State", "apply", "state_of"]


def apply(state: State, operations: Iterable[Operation]) -> State:
    """The state after the operations, in their order; the given one stays as it is.

    Raises a ModelError where the store would refuse: an unknown row, a taken id, a limit, an impossible place, and
    UnsupportedError for undo_change, whose effect stands in the journal and not in the rows.
    """
    draft = Draft(state)
    for operation in operations:
        draft.perform(operation)
    return draft.state()
