"""The checker goes red: one handmade bad history for each way to break a promise, beside a good one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts.todo import Diff, ItemView, ListView, RowChange
from contracts.tokens import uuid7
from contracts.turns import Outcome, Receipt, TurnCompleted, TurnStarted, Verdict

from .checker import Wrong, check, given_up
from .history import Asked, Change, End, History, Image, Item, Kind, Start, Step, Told

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OWNER = "a" * 26
MAKE = Step(Kind.CREATE_LIST, "Zobafuki")
ADD = Step(Kind.ADD, "Zobafuki", "milutero")
TICK = Step(Kind.COMPLETE, "Zobafuki", "milutero")
COUNT = Step(Kind.COUNT, "Zobafuki")
VIEW = ItemView(list_id="l1", title="milutero")
ROW = {**VIEW.model_dump(mode="json", exclude={"kind", "place"}), "id": "i1", "position": "b", "version": 1}


def start(sequence: int, turn_id: str, session: str = "s") -> Start:
    return Start(sequence, TurnStarted(session=session, turn_id=turn_id, owner=OWNER, text="x", accepted_at=NOW))


def end(sequence: int, turn_id: str, outcome: Outcome, receipt: Receipt, reason: str | None = None) -> End:
    turn = TurnCompleted(
        session="s", turn_id=turn_id, outcome=outcome, text="y", reason=reason, receipt=receipt, completed_at=NOW
    )
    return End(sequence, turn)


def applied(revision: int, row: RowChange) -> Receipt:
    return Receipt(
        verdict=Verdict.CONFIRMED,
        change_id=f"c{revision}",
        revision_before=revision - 1,
        revision_after=revision,
        expected=Diff(changes=(row,)),
        observed=Diff(changes=(row,)),
    )


def good() -> History:
    """A list is made, an item added and ticked, the items counted: four turns of one session."""
    ticked = VIEW.model_copy(update={"done": True})
    ends = (
        end(3, "t1", Outcome.CONFIRMED, applied(1, RowChange(id="l1", after=ListView(name="Zobafuki")))),
        end(5, "t2", Outcome.CONFIRMED, applied(2, RowChange(id="i1", after=VIEW))),
        end(7, "t3", Outcome.CONFIRMED, applied(3, RowChange(id="i1", before=VIEW, after=ticked))),
        end(8, "t4", Outcome.ANSWERED, Receipt(revision_before=3, revision_after=3)),
    )
    steps = {"t1": MAKE, "t2": ADD, "t3": TICK, "t4": COUNT}
    told = {one.turn.turn_id: one for one in ends}
    list_row = {"id": "l1", "name": "Zobafuki", "position": "b", "version": 1}
    return History(
        asked=tuple(
            Asked(turn, step, accepted=1, told=[Told(told[turn].sequence, told[turn].turn)])
            for turn, step in steps.items()
        ),
        starts=(start(1, "t1"), start(2, "t2"), start(4, "t3"), start(6, "t4")),
        ends=ends,
        changes=(
            Change(1, "c1", "t1", (Image("l1", "list", None, list_row),)),
            Change(2, "c2", "t2", (Image("i1", "item", None, ROW),)),
            Change(3, "c3", "t3", (Image("i1", "item", ROW, {**ROW, "done": True, "version": 2}),)),
        ),
        revision=3,
        lists=("Zobafuki",),
        items=(Item("Zobafuki", "milutero", done=True),),
    )


def wrongs(history: History) -> set[Wrong]:
    return {violation.wrong for violation in check(history)}


def test_a_history_that_keeps_every_promise_has_nothing_wrong() -> None:
    assert check(good()) == []


def without_end(history: History) -> History:
    asked = (*history.asked[:3], replace(history.asked[3], told=[]))
    return replace(history, ends=history.ends[:3], asked=asked)


def stored_twice(history: History) -> History:
    return replace(history, starts=(*history.starts, start(9, "t4", "another")))


def never_stored(history: History) -> History:
    return replace(history, asked=(*history.asked, Asked("t5", COUNT, accepted=1)))


def completed_twice(history: History) -> History:
    return replace(history, ends=(*history.ends, history.ends[3]))


def completed_unasked(history: History) -> History:
    return replace(history, ends=(*history.ends, end(9, "t9", Outcome.ANSWERED, Receipt())))


def applied_unasked(history: History) -> History:
    return replace(history, changes=(*history.changes, Change(4, "c4", "t9", ())), revision=4)


def untold(history: History) -> History:
    return replace(history, asked=(*history.asked[:3], replace(history.asked[3], told=[])))


def never_taken_and_never_told(history: History) -> History:
    """A turn that was sent in vain for the whole run: nothing broke, and nothing worked."""
    in_vain = replace(history.asked[3], turn_id=uuid7(), accepted=0, rejected=False, told=[])
    return replace(history, asked=(*history.asked, in_vain))


def told_another_outcome(history: History) -> History:
    other = history.ends[3].turn.model_copy(update={"outcome": Outcome.NOT_FOUND})
    return replace(history, asked=(*history.asked[:3], replace(history.asked[3], told=[Told(8, other)])))


def told_another_sequence(history: History) -> History:
    told = [Told(80, history.ends[3].turn)]
    return replace(history, asked=(*history.asked[:3], replace(history.asked[3], told=told)))


def rejected_and_stored(history: History) -> History:
    return replace(history, asked=(*history.asked[:3], replace(history.asked[3], accepted=0, rejected=True)))


def rejected_and_applied(history: History) -> History:
    rejected = Asked("t5", ADD, rejected=True)
    changes = (*history.changes, Change(4, "c4", "t5", ()))
    return replace(history, asked=(*history.asked, rejected), changes=changes, revision=4)


def applied_twice(history: History) -> History:
    again = replace(history.changes[1], revision=4, change_id="c4")
    return replace(history, changes=(*history.changes, again), revision=4)


def a_revision_missing(history: History) -> History:
    return replace(history, revision=4)


def a_revision_twice(history: History) -> History:
    return replace(history, changes=(history.changes[0], history.changes[0], *history.changes[1:]))


def swapped(history: History) -> History:
    one, two, three = history.changes
    return replace(history, changes=(one, replace(three, revision=2), replace(two, revision=3)))


def success_without_an_effect(history: History) -> History:
    return replace(history, changes=history.changes[:2], revision=2)


def success_in_a_receipt_alone(history: History) -> History:
    turn = end(8, "t4", Outcome.ANSWERED, Receipt(change_id="c9"))
    return replace(history, ends=(*history.ends[:3], turn))


def effect_that_was_not_told(history: History) -> History:
    return replace(history, ends=(*history.ends[:2], end(7, "t3", Outcome.ALREADY_SO, Receipt()), history.ends[3]))


def effect_of_a_turn_that_failed(history: History) -> History:
    failed = end(7, "t3", Outcome.FAILED, Receipt(), reason="poison")
    return replace(history, ends=(*history.ends[:2], failed, history.ends[3]))


def effect_that_is_unknown_without_reason(history: History) -> History:
    unknown = end(7, "t3", Outcome.UNKNOWN, Receipt(), reason="not_judged")
    return replace(history, ends=(*history.ends[:2], unknown, history.ends[3]))


def refuted(history: History) -> History:
    turn = end(7, "t3", Outcome.REFUTED, history.ends[2].turn.receipt)
    return replace(history, ends=(*history.ends[:2], turn, history.ends[3]))


def with_receipt(**update: object) -> Callable[[History], History]:
    def changed(history: History) -> History:
        receipt = history.ends[2].turn.receipt.model_copy(update=update)
        turn = end(7, "t3", Outcome.CONFIRMED, receipt)
        return replace(history, ends=(*history.ends[:2], turn, history.ends[3]))

    return changed


def wrong_outcome(history: History) -> History:
    turn = end(8, "t4", Outcome.NOT_FOUND, Receipt())
    return replace(history, ends=(*history.ends[:3], turn))


def conflict(history: History) -> History:
    return replace(history, ends=(*history.ends[:3], end(8, "t4", Outcome.CONFLICT, Receipt(), reason="conflict")))


def item_lost(history: History) -> History:
    return replace(history, items=())


def item_doubled(history: History) -> History:
    return replace(history, items=history.items * 2)


def item_otherwise(history: History) -> History:
    return replace(history, items=(Item("Zobafuki", "milutero", done=False),))


def list_doubled(history: History) -> History:
    return replace(history, lists=history.lists * 2)


BAD = (
    (without_end, Wrong.LOST),
    (stored_twice, Wrong.STORED_TWICE),
    (never_stored, Wrong.NOT_STORED),
    (completed_twice, Wrong.COMPLETED_TWICE),
    (completed_unasked, Wrong.UNASKED),
    (applied_unasked, Wrong.UNASKED),
    (untold, Wrong.NOT_TOLD),
    (never_taken_and_never_told, Wrong.NOT_TOLD),
    (told_another_outcome, Wrong.TOLD_OTHERWISE),
    (told_another_sequence, Wrong.TOLD_OTHERWISE),
    (rejected_and_stored, Wrong.REJECTED_DONE),
    (rejected_and_applied, Wrong.REJECTED_DONE),
    (applied_twice, Wrong.DONE_TWICE),
    (a_revision_missing, Wrong.GAP),
    (a_revision_twice, Wrong.GAP),
    (swapped, Wrong.OUT_OF_ORDER),
    (success_without_an_effect, Wrong.FALSE_SUCCESS),
    (success_in_a_receipt_alone, Wrong.FALSE_SUCCESS),
    (effect_that_was_not_told, Wrong.HIDDEN_EFFECT),
    (effect_of_a_turn_that_failed, Wrong.HIDDEN_EFFECT),
    (effect_that_is_unknown_without_reason, Wrong.HIDDEN_EFFECT),
    (refuted, Wrong.HIDDEN_EFFECT),
    (with_receipt(change_id="c2"), Wrong.FALSE_RECEIPT),
    (with_receipt(revision_before=1), Wrong.FALSE_RECEIPT),
    (with_receipt(revision_after=4), Wrong.FALSE_RECEIPT),
    (with_receipt(verdict=None), Wrong.FALSE_RECEIPT),
    (with_receipt(observed=Diff()), Wrong.FALSE_RECEIPT),
    (with_receipt(expected=Diff()), Wrong.FALSE_RECEIPT),
    (with_receipt(observed=Diff(changes=(RowChange(id="i1", before=VIEW),))), Wrong.FALSE_RECEIPT),
    (wrong_outcome, Wrong.WRONG_OUTCOME),
    (conflict, Wrong.WRONG_OUTCOME),
    (item_lost, Wrong.WRONG_ROWS),
    (item_doubled, Wrong.WRONG_ROWS),
    (item_otherwise, Wrong.WRONG_ROWS),
    (list_doubled, Wrong.WRONG_ROWS),
)


@pytest.mark.parametrize(("spoil", "wrong"), BAD)
def test_a_broken_promise_is_found(spoil: Callable[[History], History], wrong: Wrong) -> None:
    assert wrong in wrongs(spoil(good()))


def test_every_way_to_break_a_promise_has_a_history_that_does() -> None:
    assert {wrong for _, wrong in BAD} == set(Wrong)


def test_a_turn_given_up_after_three_crashes_is_honest_and_counted() -> None:
    history = good()
    given = end(8, "t4", Outcome.FAILED, Receipt(), reason="poison")
    asked = (*history.asked[:3], replace(history.asked[3], told=[Told(8, given.turn)]))
    assert check(replace(history, ends=(*history.ends[:3], given), asked=asked)) == []
    assert given_up(given.turn)


def test_a_turn_given_up_after_its_effect_may_be_unknown_and_nothing_else() -> None:
    history = good()
    given = end(7, "t3", Outcome.UNKNOWN, Receipt(verdict=Verdict.UNKNOWN), reason="poison")
    asked = (*history.asked[:2], replace(history.asked[2], told=[Told(7, given.turn)]), history.asked[3])
    assert check(replace(history, ends=(*history.ends[:2], given, history.ends[3]), asked=asked)) == []


def test_a_rejected_turn_without_an_effect_is_as_it_should_be() -> None:
    history = good()
    assert check(replace(history, asked=(*history.asked, Asked("t5", ADD, rejected=True)))) == []


def test_turns_of_different_sessions_may_be_applied_in_any_order() -> None:
    history = good()
    assert Wrong.OUT_OF_ORDER in wrongs(swapped(history))
    starts = (*history.starts[:1], start(2, "t2", "another"), *history.starts[2:])
    assert Wrong.OUT_OF_ORDER not in wrongs(swapped(replace(history, starts=starts)))
