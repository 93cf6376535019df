"""Does a history keep the promises? Pure: a history in, the list of what is wrong with it out."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from contracts.todo import Diff
from contracts.turns import Outcome, TurnCompleted, Verdict

from .board import Board
from .history import Change, End, History, Image, Step


class Wrong(StrEnum):
    """The ways to break a promise."""

    LOST = "accepted, never completed"
    STORED_TWICE = "stored twice"
    NOT_STORED = "told accepted, not stored"
    COMPLETED_TWICE = "completed twice"
    UNASKED = "completed or applied, never accepted"
    NOT_TOLD = "completed, its client not told"
    TOLD_OTHERWISE = "told something else than is stored"
    REJECTED_DONE = "rejected, and done"
    DONE_TWICE = "applied twice"
    GAP = "revisions with a gap"
    OUT_OF_ORDER = "applied before an earlier turn"
    FALSE_SUCCESS = "told applied, not in the journal"
    HIDDEN_EFFECT = "in the journal, not told applied"
    FALSE_RECEIPT = "receipt is not what the journal holds"
    WRONG_OUTCOME = "outcome is not the one it must have"
    WRONG_ROWS = "rows are not the sum of the journal's turns"


@dataclass(frozen=True)
class Violation:
    """`turn` is the id of the turn or operation concerned, empty where none is."""

    wrong: Wrong
    turn: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.wrong.value}: {self.turn} {self.detail}".rstrip()


APPLIED: Final = frozenset({Outcome.CONFIRMED, Outcome.REFUTED})
GIVEN_UP: Final = "poison"
"""The reason of a turn that three workers died over: `failed` and `unknown` are honest then, and counted."""


def check(history: History) -> list[Violation]:
    """Everything that is wrong with a history; empty for one that keeps every promise."""
    return [
        *_stream(history),
        *_clients(history),
        *_journal(history),
        *_receipts(history),
        *_order(history),
        *_foretold(history),
    ]


def given_up(turn: TurnCompleted) -> bool:
    """Whether it ended as the one that its workers died over, which is honest, and to be counted."""
    return turn.reason == GIVEN_UP and turn.outcome in {Outcome.FAILED, Outcome.UNKNOWN}


def _stream(history: History) -> Iterator[Violation]:
    starts = Counter(start.turn.turn_id for start in history.starts)
    ends = Counter(end.turn.turn_id for end in history.ends)
    for turn, count in starts.items():
        if count > 1:
            yield Violation(Wrong.STORED_TWICE, turn, f"{count} times")
        if turn not in ends:
            yield Violation(Wrong.LOST, turn)
    for turn, count in ends.items():
        if count > 1:
            yield Violation(Wrong.COMPLETED_TWICE, turn, f"{count} times")
        if turn not in starts:
            yield Violation(Wrong.UNASKED, turn, "has a completion")


def _clients(history: History) -> Iterator[Violation]:
    started = {start.turn.turn_id for start in history.starts}
    changed = {change.operation_id for change in history.changes}
    ends = {end.turn.turn_id: end for end in history.ends}
    for asked in history.asked:
        if asked.accepted and asked.turn_id not in started:
            yield Violation(Wrong.NOT_STORED, asked.turn_id)
        if asked.rejected and asked.turn_id in started | changed:
            yield Violation(Wrong.REJECTED_DONE, asked.turn_id)
        end = ends.get(asked.turn_id)
        if not asked.told and not asked.rejected:
            yield Violation(Wrong.NOT_TOLD, asked.turn_id)
        for told in asked.told:
            if end is None or told.turn != end.turn or told.sequence not in {None, end.sequence}:
                yield Violation(Wrong.TOLD_OTHERWISE, asked.turn_id, f"{told.turn.outcome} at {told.sequence}")


def _journal(history: History) -> Iterator[Violation]:
    started = {start.turn.turn_id for start in history.starts}
    for operation, count in Counter(change.operation_id for change in history.changes).items():
        if count > 1:
            yield Violation(Wrong.DONE_TWICE, operation, f"{count} times")
        if operation not in started:
            yield Violation(Wrong.UNASKED, operation, "has an effect")
    found = [change.revision for change in history.changes]
    if found != list(range(1, history.revision + 1)):
        yield Violation(Wrong.GAP, "", f"{len(found)} entries up to {found[-1:]}, the owner is at {history.revision}")


def _receipts(history: History) -> Iterator[Violation]:
    changes = {change.operation_id: change for change in history.changes}
    for end in history.ends:
        turn = end.turn
        change = changes.get(turn.turn_id)
        if change is None:
            if turn.outcome in APPLIED or turn.receipt.change_id is not None:
                yield Violation(Wrong.FALSE_SUCCESS, turn.turn_id, turn.outcome)
        elif turn.outcome is Outcome.CONFIRMED:
            yield from _receipt(end, change)
        elif not (turn.outcome is Outcome.UNKNOWN and given_up(turn)):
            yield Violation(Wrong.HIDDEN_EFFECT, turn.turn_id, f"{turn.outcome}, revision {change.revision}")


def _receipt(end: End, change: Change) -> Iterator[Violation]:
    receipt = end.turn.receipt
    said: dict[str, object] = {
        "change id": receipt.change_id,
        "revision before": receipt.revision_before,
        "revision after": receipt.revision_after,
        "verdict": receipt.verdict,
        "observed": _seen(receipt.observed),
        "expected": _seen(receipt.expected),
    }
    images = _shown(change.images)
    held: dict[str, object] = {
        "change id": change.change_id,
        "revision before": change.revision - 1,
        "revision after": change.revision,
        "verdict": Verdict.CONFIRMED,
        "observed": images,
        "expected": images,
    }
    for name, value in said.items():
        if value != held[name]:
            yield Violation(Wrong.FALSE_RECEIPT, end.turn.turn_id, f"{name}: {value} for {held[name]}")


_VISIBLE: Final = {"list": ("name",), "item": ("list_id", "title", "notes", "done", "due", "priority")}
Seen = dict[str, tuple[Any, Any]]  # Any: a row's visible fields in JSON, by name, or None for no row


def _seen(diff: Diff) -> Seen:
    rows: Seen = {}
    for row in diff.changes:
        views = [None if view is None else view.model_dump(mode="json") for view in (row.before, row.after)]
        rows[row.id] = tuple(None if view is None else _visible(view["kind"], view) for view in views)  # type: ignore[assignment]
    return rows


def _shown(images: tuple[Image, ...]) -> Seen:
    rows: Seen = {}
    for image in images:
        before = None if image.before is None else _visible(image.kind, image.before)
        after = None if image.after is None else _visible(image.kind, image.after)
        rows[image.row_id] = (rows[image.row_id][0] if image.row_id in rows else before, after)
    return {row: (before, after) for row, (before, after) in rows.items() if before != after}


def _visible(kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _VISIBLE[kind]}


def _order(history: History) -> Iterator[Violation]:
    revisions = {change.operation_id: change.revision for change in history.changes}
    newest: dict[str, int] = defaultdict(int)
    for start in history.starts:
        revision = revisions.get(start.turn.turn_id)
        if revision is None:
            continue
        session = start.turn.session
        if revision < newest[session]:
            yield Violation(Wrong.OUT_OF_ORDER, start.turn.turn_id, f"{revision} is before {newest[session]}")
        newest[session] = max(newest[session], revision)


def _foretold(history: History) -> Iterator[Violation]:
    """Take the turns in the order in which they were accepted, and only those that the journal holds."""
    steps = {asked.turn_id: asked.step for asked in history.asked}
    changed = {change.operation_id for change in history.changes}
    ends = {end.turn.turn_id: end.turn for end in history.ends}
    board = Board()
    for start in history.starts:
        step = steps.get(start.turn.turn_id)
        if step is None:
            continue
        end = ends.get(start.turn.turn_id)
        if end is not None and not given_up(end):
            yield from _outcome(board, step, end)
        if start.turn.turn_id in changed:
            board.take(step)
    if Counter(history.lists) != Counter(board.lists):
        yield Violation(Wrong.WRONG_ROWS, "", f"lists: {_difference(history.lists, board.lists)}")
    if Counter(history.items) != Counter(board.items):
        yield Violation(Wrong.WRONG_ROWS, "", f"items: {_difference(history.items, board.items)}")


def _outcome(board: Board, step: Step, end: TurnCompleted) -> Iterator[Violation]:
    right = board.foretell(step)
    if end.outcome is not right:
        detail = f"{end.outcome} ({end.reason}) for {right}: {step.text}"
        yield Violation(Wrong.WRONG_OUTCOME, end.turn_id, detail)


def _difference(found: tuple[object, ...], wanted: list[Any]) -> str:
    more, less = Counter(found) - Counter(wanted), Counter(wanted) - Counter(found)
    return f"too many {list(more.elements())}, missing {list(less.elements())}"
