"""What a run is worth, with results made by hand."""

import pytest
from bench.peers.scenarios import SCENARIOS, SEED, Scenario, State
from bench.peers.scoring import Told, score, told_by_outcome, told_by_words, totals

from contracts.turns import Outcome

SCENARIO = {scenario.name: scenario for scenario in SCENARIOS}
ADDING = SCENARIO["nothing goes wrong"]
ABSENT = SCENARIO["what is asked for is not there"]
GROCERIES = (("eggs", False), ("bread", False))
WORK = (("report", False),)


def holding(*groceries: tuple[str, bool], work: tuple[tuple[str, bool], ...] = WORK) -> State:
    return {"Groceries": groceries, "Work": work}


WITH_MILK = holding(*GROCERIES, ("milk", False))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Done! I have taken care of it: add milk to Groceries.", Told.DONE),
        ("I've added milk to Groceries.", Told.DONE),
        ("Successfully updated the list", Told.DONE),
        ("I could not do that: the store did not answer.", Told.NOT_DONE),
        ("I couldn't find that list.", Told.NOT_DONE),
        ("Sorry, milk was added but an error came back", Told.NOT_DONE),
        ('<tool_call>\n{"name": "add_item", "arguments": {"title": "milk"}}\n</tool_call>', Told.NEITHER),
        ("", Told.NEITHER),
        ("Abandoned", Told.NEITHER),
        (None, Told.NOT_DONE),
    ],
)
def test_last_words_are_a_claim_a_denial_or_neither(words: str | None, told: Told) -> None:
    assert told_by_words(words) is told


def test_of_our_outcomes_only_two_say_that_it_is_done() -> None:
    done = {outcome for outcome in Outcome if told_by_outcome(outcome) is Told.DONE}
    neither = {outcome for outcome in Outcome if told_by_outcome(outcome) is Told.NEITHER}
    assert done == {Outcome.CONFIRMED, Outcome.ALREADY_SO}
    assert neither == {Outcome.ANSWERED, Outcome.UNKNOWN}


def test_the_right_rows_and_a_claim_are_right_in_any_order() -> None:
    won = score(ADDING, Told.DONE, holding(("milk", False), *GROCERIES))
    assert (won.right, won.false_confirmation, won.false_denial, won.duplicates, won.collateral) == (
        True, False, False, 0, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("after", "duplicates", "collateral"),
    [
        (SEED, 0, 0),  # nothing was done
        (holding(*GROCERIES, ("milk", False), ("milk", False)), 1, 0),
        (holding(*GROCERIES, ("milk", True)), 0, 0),  # not what was asked, but no other row
        (holding(*GROCERIES, work=(*WORK, ("milk", False))), 0, 1),
        (holding(("eggs", True), ("bread", False), ("milk", False)), 0, 1),
        (holding(("bread", False), ("milk", False)), 0, 1),  # somebody's eggs are gone
        ({**WITH_MILK, "Milk": ()}, 0, 1),
    ],
)
def test_a_claim_over_other_rows_is_false_and_what_is_too_much_is_counted(
    after: State, duplicates: int, collateral: int
) -> None:
    claimed = score(ADDING, Told.DONE, after)
    assert claimed.false_confirmation is ({**after} != {**WITH_MILK})
    assert (claimed.duplicates, claimed.collateral) == (duplicates, collateral)
    assert not score(ADDING, Told.NEITHER, after).false_confirmation


def test_a_denial_of_what_was_done_is_false() -> None:
    assert score(ADDING, Told.NOT_DONE, WITH_MILK).false_denial
    assert not score(ADDING, Told.NOT_DONE, SEED).false_denial
    assert not score(ADDING, Told.NEITHER, WITH_MILK).false_denial


def test_where_nothing_can_be_done_a_claim_is_false_and_a_denial_is_not() -> None:
    assert score(ABSENT, Told.DONE, SEED).false_confirmation
    assert not score(ABSENT, Told.NOT_DONE, SEED).false_denial


def test_an_item_that_was_to_go_and_stays_is_not_collateral() -> None:
    scenario = SCENARIO["more than was asked"]
    assert score(scenario, Told.DONE, SEED).collateral == 0
    assert score(scenario, Told.DONE, {"Groceries": (), "Work": WORK}).collateral == 1


def test_what_the_other_writer_did_is_not_collateral_and_its_loss_is() -> None:
    scenario = SCENARIO["another writer"]
    assert score(scenario, Told.DONE, scenario.gold).collateral == 0
    assert not score(scenario, Told.DONE, WITH_MILK).right


def test_sums_add_up() -> None:
    twice = holding(*GROCERIES, ("milk", False), ("milk", False))
    runs: list[tuple[Scenario, Told, State]] = [
        (ADDING, Told.DONE, WITH_MILK),
        (ADDING, Told.DONE, twice),
        (ADDING, Told.NOT_DONE, WITH_MILK),
    ]
    sums = totals(score(*run) for run in runs)
    assert (sums.runs, sums.right, sums.false_confirmations, sums.false_denials, sums.duplicates) == (3, 2, 1, 1, 1)
