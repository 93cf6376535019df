"""What a call ends with, for each way in which it can."""

import json

import pytest

from contracts.message import ErrorCode, Problem
from contracts.todo import Diff, ItemView, RowChange
from contracts.turns import OperationsCompleted, Outcome, Receipt, Verdict
from mcp_bridge import answers
from mcp_bridge.answers import RECEIPT_MAX_BYTES
from mcp_bridge.operations import Named


def added(number: int, *, notes: str = "") -> RowChange:
    return RowChange(id=f"i{number}", after=ItemView(list_id="la", title=f"t{number}", notes=notes), list_name="A")


def ended(outcome: Outcome, *, text: str = "Added “t1” to “A”.", diff: Diff | None = None) -> OperationsCompleted:
    diff = diff or Diff(changes=(added(1),))
    applied = outcome in {Outcome.CONFIRMED, Outcome.REFUTED}
    receipt = Receipt(
        expected=diff,
        observed=diff,
        verdict=Verdict(outcome.value) if applied else None,
        change_id="c17" if applied else None,
        revision_before=3,
        revision_after=4 if applied else None,
        trace_id="0" * 32,
    )
    return OperationsCompleted(operation_id="o", outcome=outcome, text=text, receipt=receipt)


def test_a_confirmed_change_is_one_line_that_says_what_was_proven_and_that_nothing_is_left_to_do() -> None:
    answer = answers.settled(ended(Outcome.CONFIRMED), Named("item", "i1"), "k")
    assert answer.text == "verified: Added “t1” to “A” (item i1, change c17, revision 4); nothing further to call."
    assert not answer.failed
    receipt = answer.facts.pop("receipt")
    assert answer.facts == {
        "outcome": "confirmed",
        "verified": True,
        "change_id": "c17",
        "revision": 4,
        "item_id": "i1",
    }
    assert (receipt["verdict"], receipt["trace_id"]) == ("confirmed", "0" * 32)
    assert receipt["observed"]["changes"][0]["id"] == "i1"
    assert "expected" not in receipt  # it is what was observed


def test_what_was_so_already_is_no_failure_and_makes_nothing() -> None:
    answer = answers.settled(ended(Outcome.ALREADY_SO), Named("item", "i1"), "k")
    assert answer.text.startswith("verified: it is so already, nothing was changed")
    assert (answer.failed, answer.facts["verified"], "item_id" in answer.facts) == (False, True, False)


@pytest.mark.parametrize(
    ("outcome", "begins"),
    [
        (Outcome.REFUTED, "NOT as asked: Added “t1” to “A”. (change c17)."),
        (Outcome.UNKNOWN, 'not known: Added “t1” to “A”. Call again with the same arguments and idempotency_key "k"'),
        (Outcome.REFUSED, "refused: Added “t1” to “A”."),
        (Outcome.CONFLICT, "conflict: "),
        (Outcome.FAILED, "failed: "),
        (Outcome.CANCELLED, "cancelled: "),
    ],
)
def test_everything_else_is_a_failure_that_is_named(outcome: Outcome, begins: str) -> None:
    answer = answers.settled(ended(outcome), None, "k")
    assert answer.text.startswith(begins)
    assert (answer.failed, answer.facts["verified"]) == (True, False)


@pytest.mark.parametrize("notes", ["", "n" * 8000])
def test_a_long_receipt_is_cut_and_says_so_and_its_verdict_stays(notes: str) -> None:
    diff = Diff(changes=tuple(added(number, notes=notes) for number in range(500)))
    receipt = answers.settled(ended(Outcome.CONFIRMED, diff=diff), None, "k").facts["receipt"]
    assert len(json.dumps(receipt)) <= RECEIPT_MAX_BYTES
    assert (receipt["truncated"], receipt["verdict"]) == (True, "confirmed")
    assert len(receipt["observed"]["changes"]) == (1 if notes else 20)


def test_a_long_text_is_cut() -> None:
    assert len(answers.settled(ended(Outcome.CONFIRMED, text="x" * 20_000), None, "k").text) < 800


AWAY = Problem(code=ErrorCode.UNAVAILABLE, detail="nobody serves rpc.ops.v1.run")


def test_a_store_that_is_away_says_that_nothing_was_changed() -> None:
    answer = answers.away(AWAY, changes=True, in_doubt=False, key="k")
    assert answer.text == (
        "the to-do store is away (nobody serves rpc.ops.v1.run). Nothing was changed. Try again in a moment."
    )
    assert "Nothing" not in answers.away(AWAY, changes=False, in_doubt=False, key="k").text


def test_a_change_without_an_answer_names_the_key_that_makes_a_repeat_harmless() -> None:
    answer = answers.away(AWAY, changes=True, in_doubt=True, key='my "key"')
    assert "Whether this was done is not known." in answer.text
    assert 'idempotency_key "my \\"key\\"" to find out: it will not be done twice.' in answer.text
    assert "Nothing was changed" not in answer.text
    assert answer.facts["idempotency_key"] == 'my "key"'


def test_a_key_that_was_used_for_something_else_is_said_to_be() -> None:
    problem = Problem(code=ErrorCode.CONFLICT, field="operation_id", detail="was used for other operations; mint a new")
    assert answers.refused(problem, changes=True).text == (
        "this idempotency_key was used for another change before; use a new one, or none. Nothing was changed."
    )
