"""What verification refuses, as one small tree. Texts name ids, never titles."""

from typing import Final

from contracts.message import ErrorCode

ROWS_NAMED: Final = 5


class VerificationError(Exception):
    """The root of this package's errors."""


class SnapshotError(VerificationError):
    """Rows that cannot be one owner's state: an id that occurs twice."""

    def __init__(self, row_id: str) -> None:
        super().__init__(f"the row id {row_id} occurs twice in one snapshot; read it again")
        self.row_id = row_id


class OverlayError(VerificationError):
    """A delta that does not belong to the state it is laid over. What it is laid over must not be used any more."""

    def __init__(self, revision: int, detail: str) -> None:
        super().__init__(f"the delta to revision {revision} {detail}; read everything")
        self.revision = revision


class HistoryError(VerificationError):
    """A journal that does not reach from the one state to the other. Nothing can be judged by it."""

    def __init__(self, revision: int, detail: str) -> None:
        super().__init__(f"revision {revision}: {detail}")
        self.revision = revision


class ModelError(VerificationError):
    """An operation that the store would refuse: why, for which row, and what to do. `reason` is a code of ours."""

    def __init__(self, code: ErrorCode, row_id: str, detail: str) -> None:
        super().__init__(f"{row_id}: {detail}")
        self.code = code
        self.row_id = row_id
        self.detail = detail
        self.reason: str = code.value


class UnknownRowError(ModelError):
    """The list or item is not there, or no longer."""

    def __init__(self, kind: str, row_id: str) -> None:
        super().__init__(ErrorCode.NOT_FOUND, row_id, f"no {kind} with this id; read the state again")


class IdTakenError(ModelError):
    """A new row with an id that is or was in use."""

    def __init__(self, row_id: str) -> None:
        super().__init__(ErrorCode.CONFLICT, row_id, "this id is taken; mint another")


class LimitError(ModelError):
    """More lists, or more items in a list, than one owner can hold."""

    def __init__(self, row_id: str, what: str, limit: int) -> None:
        super().__init__(ErrorCode.LIMIT, row_id, f"at most {limit} {what}; delete some first")


class PlaceError(ModelError):
    """A place to move to that does not exist."""

    def __init__(self, row_id: str, detail: str) -> None:
        super().__init__(ErrorCode.INVALID, row_id, detail)


class UnknownChangeError(ModelError):
    """A change to take back that the owner's journal does not hold."""

    def __init__(self, change_id: str) -> None:
        super().__init__(ErrorCode.NOT_FOUND, change_id, "no change with this id; read the changes again")
        self.reason = "unknown_change"


class UndoAloneError(ModelError):
    """Taking back a change together with other operations: which of them the change's rows should show is not said."""

    def __init__(self, change_id: str) -> None:
        super().__init__(ErrorCode.INVALID, change_id, "is taken back alone; send the other operations by themselves")
        self.reason = "undo_alone"


class ChangedSinceError(ModelError):
    """A change that cannot be taken back, because somebody changed what it left. `rows` names all that differ."""

    def __init__(self, change_id: str, rows: tuple[str, ...]) -> None:
        detail = f"{', '.join(rows[:ROWS_NAMED])} changed since; read the state again"
        super().__init__(ErrorCode.CONFLICT, change_id, detail)
        self.reason = "changed_since"
        self.rows = rows
