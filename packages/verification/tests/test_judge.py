"""Only exact equality is confirmed."""

from contracts.todo import Diff, ItemView, Place, RowChange
from contracts.turns import Verdict
from verification.judge import Judgement, Mismatch, MismatchKind, judge

TEA = RowChange(id="tea", after=ItemView(list_id="g", title="tea"), list_name="G")
MILK = RowChange(id="milk", before=ItemView(list_id="g", title="milk"), list_name="G")


def test_equal_diffs_are_confirmed() -> None:
    assert judge(Diff(changes=(MILK, TEA)), Diff(changes=(MILK, TEA))) == Judgement(Verdict.CONFIRMED, ())
    assert judge(Diff(), Diff()).verdict is Verdict.CONFIRMED


def test_each_row_that_differs_is_named_with_both_sides() -> None:
    green = TEA.model_copy(update={"after": ItemView(list_id="g", title="green tea")})
    bare_milk, bare_tea, bare_green = (row.model_copy(update={"list_name": None}) for row in (MILK, TEA, green))
    assert judge(Diff(changes=(MILK, TEA)), Diff(changes=(green,))) == Judgement(
        Verdict.REFUTED,
        (
            Mismatch(MismatchKind.MISSING, "milk", bare_milk, None),
            Mismatch(MismatchKind.DIFFERENT, "tea", bare_tea, bare_green),
        ),
    )
    assert judge(Diff(), Diff(changes=(TEA,))).mismatches == (Mismatch(MismatchKind.UNEXPECTED, "tea", None, bare_tea),)


def test_the_place_counts_and_the_name_of_the_list_does_not() -> None:
    first = TEA.model_copy(update={"after": ItemView(list_id="g", title="tea", place=Place(at="first"))})
    assert judge(Diff(changes=(TEA,)), Diff(changes=(first,))).verdict is Verdict.REFUTED
    renamed = TEA.model_copy(update={"list_name": "Food"})
    assert judge(Diff(changes=(TEA,)), Diff(changes=(renamed,))).verdict is Verdict.CONFIRMED


def test_a_row_told_twice_is_not_a_row_told_once() -> None:
    assert judge(Diff(changes=(TEA,)), Diff(changes=(TEA, TEA))).verdict is Verdict.REFUTED


def test_a_plan_that_was_stored_and_read_again_is_judged_alike() -> None:
    stored = Diff.from_json(Diff(changes=(MILK, TEA)).to_json())
    assert judge(stored, Diff(changes=(MILK, TEA))).verdict is Verdict.CONFIRMED
