"""The scorer tells every kind of wrong end from a right one, on results made by hand."""

from dataclasses import replace

import pytest
from bench.faults.case import HONEST, End, only
from bench.faults.claims import untrue, untrue_answer
from bench.faults.faults import CLASSES, every_case, runs
from bench.faults.scoring import Evidence, Score, score
from bench.faults.state import Edit, Item, List, State, edited

from contracts.turns import Outcome

BEFORE: State = (List("Groceries", (Item("milk"), Item("eggs"))), List("Travel", (Item("tickets"),)))
DONE: State = edited(BEFORE, Edit("complete_item", "milk"))
GOOD = Evidence(
    request="mark milk as done",
    before=BEFORE,
    after=DONE,
    ground=BEFORE,
    committed=DONE,
    outcome=Outcome.CONFIRMED,
    text="Marked “milk” in “Groceries” as done.",
    understood=("mark “milk” in “Groceries” as done",),
    applied=1,
)
GOLD = only(DONE, Outcome.CONFIRMED)


def scored(evidence: Evidence, ends: tuple[End, ...] = GOLD, *, may_ask: bool = False) -> Score:
    return score(evidence, ends, may_ask=may_ask)


def with_rows(evidence: Evidence, rows: State) -> Evidence:
    return replace(evidence, after=rows, committed=rows)


def test_a_right_end_counts_as_nothing_but_that() -> None:
    right = scored(GOOD)
    assert (right.right_end, right.why) == (True, ())
    assert not any((right.false_confirmation, right.false_denial, right.short, right.asked))
    assert (right.collateral, right.duplicates) == (0, 0)


def test_done_over_rows_that_do_not_show_it_is_a_false_confirmation() -> None:
    lost = scored(with_rows(GOOD, BEFORE))
    assert (lost.false_confirmation, lost.right_end) == (True, False)


def test_done_over_nothing_is_never_less_than_asked() -> None:
    for text in ("", "Done!", "Nothing of it is there."):
        silent = scored(replace(with_rows(GOOD, BEFORE), text=text))
        assert (silent.false_confirmation, silent.short) == (True, False)
    assert scored(GOOD, only(None, Outcome.REFUTED)).false_confirmation


@pytest.mark.parametrize(
    "text",
    [
        "Marked “eggs” in “Groceries” as done.",
        "Marked “milk” and “eggs” in “Groceries” as done.",
        "Marked “milk” in “Travel” as done.",
        "Marked “milk” in “Groceries” as open again.",
        "Added “milk” to “Groceries”.",
        "Deleted “milk” from “Groceries”.",
        "Created the list “Groceries”.",
        "Marked “milk” in “Groceries” as done. All is well in Paris.",
    ],
)
def test_right_rows_under_a_wrong_sentence_are_a_false_confirmation(text: str) -> None:
    wrong = scored(replace(GOOD, text=text))
    assert (wrong.right_end, wrong.false_confirmation) == (True, True)


def test_a_name_that_is_nowhere_is_seen_wherever_it_is_shown() -> None:
    for shown in ({"understood": ("mark “cream” as done",)}, {"candidates": ("Which: “cream”?",)}):
        assert scored(replace(GOOD, **shown)).false_confirmation  # type: ignore[arg-type]


def test_failed_over_a_change_that_was_made_is_a_false_denial() -> None:
    for outcome in (Outcome.FAILED, Outcome.REFUSED, Outcome.NOT_FOUND, Outcome.CLARIFY, Outcome.ALREADY_SO):
        denied = scored(replace(GOOD, outcome=outcome, text="No. Nothing was changed."), may_ask=True)
        assert (denied.false_denial, denied.right_end) == (True, False)
    assert scored(replace(GOOD, text=f"{GOOD.text} Nothing was changed.")).false_denial


def test_unknown_is_no_denial_and_no_confirmation_and_not_right_either() -> None:
    unknown = scored(replace(GOOD, outcome=Outcome.UNKNOWN, text="It could not be read."))
    assert not any((unknown.false_denial, unknown.false_confirmation, unknown.right_end))


def test_rows_that_nobody_asked_for_are_collateral() -> None:
    for edit in (
        Edit("delete_item", "tickets"),
        Edit("add_item", "tea", "Travel"),
        Edit("rename_list", "Travel", "Trips"),
    ):
        spoilt = scored(with_rows(GOOD, edited(DONE, edit)))
        assert spoilt.collateral > 0
        assert (spoilt.false_confirmation, spoilt.short) == (True, False)


def test_a_second_row_and_a_second_change_are_duplicates() -> None:
    tea = Edit("add_item", "tea", "Groceries")
    once, twice = edited(BEFORE, tea), edited(edited(BEFORE, tea), tea)
    added = replace(GOOD, text="Added “tea” to “Groceries”.", request="add tea")
    assert scored(with_rows(added, once), only(once, Outcome.CONFIRMED)).duplicates == 0
    assert scored(with_rows(added, twice), only(once, Outcome.CONFIRMED)).duplicates == 1
    assert scored(replace(GOOD, applied=2)).duplicates == 1


def test_less_than_asked_and_truly_told_is_short_and_no_lie() -> None:
    both = only(edited(DONE, Edit("complete_item", "eggs")), Outcome.CONFIRMED)
    short = scored(GOOD, both)
    assert (short.short, short.false_confirmation, short.right_end) == (True, False, False)


def test_asking_is_needless_where_no_right_end_asks() -> None:
    asked = replace(with_rows(GOOD, BEFORE), outcome=Outcome.CLARIFY, text="Which? Nothing was changed.", applied=0)
    assert scored(asked).asked_needlessly
    wanted = scored(asked, only(BEFORE, Outcome.CLARIFY), may_ask=True)
    assert (wanted.asked, wanted.asked_needlessly, wanted.right_end) == (True, False, True)


def test_what_somebody_undid_before_it_was_told_has_to_be_told() -> None:
    gone = replace(GOOD, after=edited(DONE, Edit("delete_item", "milk")))
    ends = only(gone.after, Outcome.CONFIRMED)
    assert scored(gone, ends).false_confirmation
    told = f"{GOOD.text} Since then, by somebody else: Deleted “milk” from “Groceries”."
    assert not scored(replace(gone, text=told), ends).false_confirmation
    lied = f"{GOOD.text} Since then, by somebody else: Deleted “eggs” from “Groceries”."
    assert scored(replace(gone, text=lied), ends).false_confirmation


def test_a_loud_refutation_is_right_where_the_database_is_at_fault_and_must_be_true() -> None:
    text = "The database does not show what was planned. What it shows: Nothing of it is there."
    refuted = replace(with_rows(GOOD, BEFORE), outcome=Outcome.REFUTED, text=text)
    assert scored(refuted, only(None, Outcome.REFUTED)).right_end
    assert scored(with_rows(GOOD, BEFORE), only(None, Outcome.REFUTED)).false_confirmation


def test_answers_are_compared_with_the_rows() -> None:
    assert untrue_answer("There are 2 open items in “Groceries”.", BEFORE) == []
    assert untrue_answer("There are 3 open items in “Groceries”.", BEFORE)
    assert untrue_answer("There are 3 items in all lists.", BEFORE) == []
    assert untrue_answer("“Travel” has 1 item, 1 open:\n☐ tickets", BEFORE) == []
    assert untrue_answer("“Travel” has 1 item, 1 open:\n☑ tickets", BEFORE)
    assert untrue_answer("The model says: Done!\nNothing was changed.", BEFORE) == []
    assert untrue_answer("The model says: Done!", BEFORE)


def test_numbers_and_details_are_part_of_a_claim() -> None:
    gone = edited(BEFORE, Edit("delete_list", "Groceries"))
    assert untrue("Deleted the list “Groceries” and the 2 items in it.", BEFORE, gone) == []
    assert untrue("Deleted the list “Groceries” and the 3 items in it.", BEFORE, gone)
    visa: State = (BEFORE[0], List("Travel", (Item("tickets"), Item("visa", due="2031-05-06", priority="high"))))
    assert untrue("Added “visa” (due 2031-05-06, priority high) to “Travel”.", BEFORE, visa) == []
    assert untrue("Added “visa” (due 2031-05-07, priority high) to “Travel”.", BEFORE, visa)
    assert untrue("Added “visa” to “Travel”.", BEFORE, visa)


def test_every_class_is_crossed_with_at_least_twelve_templates_and_draws_are_repeatable() -> None:
    cases = every_case()
    for fault in CLASSES:
        assert len({case.template.name for case in cases if case.fault == fault}) >= 12, fault
    drawn = runs(300, 7)
    assert drawn == runs(300, 7)
    assert drawn != runs(300, 8)
    assert any(case.company.spares for case in drawn)
    assert HONEST.isdisjoint({Outcome.CONFIRMED, Outcome.UNKNOWN, Outcome.REFUTED})
