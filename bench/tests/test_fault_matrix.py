"""The fault matrix in short: no promise is broken, and each guard that is taken away breaks those that rest on it."""

from collections.abc import AsyncIterator

import pytest
from bench.faults.breaking import TURNS_RED, without
from bench.faults.case import Point
from bench.faults.faults import CLASSES, every_case, runs
from bench.faults.matrix import play
from bench.faults.table import tallied
from bench.faults.world import World, world_on

from local_stack.temporary import RunningNats

SEED = 20261122
RUNS = 4 * len(CLASSES)
BROKEN_RUNS = 8 * len(CLASSES)


@pytest.fixture(scope="module")
async def world(nats_server: RunningNats, database_url: str) -> AsyncIterator[World]:
    async with world_on(nats_server, database_url) as opened:
        yield opened


async def test_no_promise_is_broken_under_any_class_of_fault(world: World) -> None:
    with without(None) as store:
        played = await play(world, runs(RUNS, SEED), store)
    broken = [each.told() for each in played if each.broken]
    assert broken == []
    tallies = tallied((each.case, each.score) for each in played)
    assert tallies.keys() == CLASSES.keys()
    wanted, made = sum(each.wanted for each in tallies.values()), sum(each.made for each in tallies.values())
    assert wanted > 0
    assert made == wanted, [each.told() for each in played if not each.score.right_end]


async def test_whoever_writes_to_the_target_at_whichever_point_is_heard(world: World) -> None:
    kinds = {"complete", "move", "undo", "add one", "delete list, confirmed"}
    cases = [case for case in every_case() if case.fault == "F7" and case.template.name in kinds]
    assert {point for case in cases for point, *_ in case.company.visits} == set(Point)
    with without(None) as store:
        played = await play(world, cases, store)
    assert [each.told() for each in played if each.broken or not each.score.right_end] == []


@pytest.mark.parametrize("guard", sorted(TURNS_RED))
async def test_a_guard_that_is_taken_away_turns_its_classes_red(world: World, guard: str) -> None:
    cases = [case for case in runs(BROKEN_RUNS, SEED) if case.fault in TURNS_RED[guard]]
    with without(guard) as store:
        played = await play(world, cases, store)
    tallies = tallied((each.case, each.score) for each in played)
    assert {fault for fault, tally in tallies.items() if tally.red} == set(TURNS_RED[guard])
