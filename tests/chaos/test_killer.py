"""The killer's blows and the sessions' steps are the same for the same seed, and cover what they must."""

import random
from itertools import islice

from contracts.turns import Outcome

from .board import Board
from .history import Kind
from .killer import SERVICES, How, blows
from .steps import SHARED_LIST, names, script


def test_the_first_blows_kill_one_process_of_every_service() -> None:
    first = list(islice(blows(random.Random(3), (1.0, 2.0)), len(SERVICES)))
    assert sorted(blow.service for blow in first) == sorted(SERVICES)
    assert {blow.how for blow in first} == {How.KILL}


def test_later_blows_are_of_every_kind_and_a_seed_gives_the_same_ones() -> None:
    dealt = list(islice(blows(random.Random(3), (1.0, 2.0)), 300))
    assert {(blow.service, blow.how) for blow in dealt} == {(service, how) for service in SERVICES for how in How}
    assert all(1.0 <= blow.after_s <= 2.0 for blow in dealt)
    assert dealt == list(islice(blows(random.Random(3), (1.0, 2.0)), 300))


def test_a_script_in_order_ends_in_every_outcome_that_can_be_foretold() -> None:
    rng = random.Random(5)
    board = Board(lists=[SHARED_LIST])
    outcomes, kinds = set(), set()
    for step in script(rng, names(rng), 300):
        outcome = board.foretell(step)
        outcomes.add(outcome)
        kinds.add(step.kind)
        if outcome is Outcome.CONFIRMED:
            board.take(step)
    assert outcomes == {Outcome.CONFIRMED, Outcome.ALREADY_SO, Outcome.ANSWERED, Outcome.NOT_FOUND}
    assert kinds == set(Kind)


def test_no_two_steps_make_the_same_name() -> None:
    rng = random.Random(5)
    words = names(rng)
    steps = [step for _ in range(10) for step in script(rng, words, 50)]
    made = [step.title for step in steps if step.kind is Kind.ADD]
    made += [step.new_title for step in steps if step.kind is Kind.RENAME]
    assert len(made) == len(set(made))
