"""Our agent in every scenario, over the real servers; and, where they can be installed, the peers beside it."""

from collections.abc import AsyncIterator

import pytest
from bench.peers.comparison import OURS, PEERS, VARIANTS, Comparison, Variant, compare
from bench.peers.report import matrix, summary
from bench.peers.scenarios import SCENARIOS, Scenario, StoreFault
from bench.peers.scoring import Told

from local_stack.temporary import temporary_directory

LOSES = "the store loses the write"
QUICK = [scenario for scenario in SCENARIOS if scenario.store is not StoreFault.LATE]


@pytest.fixture(scope="module")
async def alone() -> AsyncIterator[Comparison]:
    """Without the peers, so nothing has to be installed."""
    with temporary_directory() as directory:
        async with Comparison.set_up(directory, names=()) as comparison:
            yield comparison


@pytest.mark.parametrize("scenario", QUICK, ids=lambda scenario: scenario.name)
async def test_our_agent_claims_only_what_the_rows_hold_and_leaves_the_right_ones(
    alone: Comparison, scenario: Scenario
) -> None:
    played = await alone.play(Variant(OURS), scenario)
    assert not played.score.false_confirmation, played.turn.said
    assert not played.score.false_denial, played.turn.said
    assert (played.score.duplicates, played.score.collateral) == (0, 0)
    # A write that the store loses is told, not repeated.
    assert played.score.right is (scenario.name != LOSES), played.turn.said
    assert played.score.told is (Told.DONE if scenario.may_claim and scenario.name != LOSES else Told.NOT_DONE)
    assert played.calls <= 2


@pytest.mark.long
async def test_peers_can_be_seen_to_fail_and_to_be_helped_by_their_guard() -> None:
    with temporary_directory() as directory:
        async with Comparison.set_up(directory) as comparison:
            records = await compare(comparison, rounds=1)
    seen = {(record.variant, played.scenario.name): played for record in records for played in record.played}
    for variant in VARIANTS:
        good = seen[variant, "nothing goes wrong"]
        assert (good.score.right, good.score.told) == (True, Told.DONE), (variant, good.turn.said)
    for store in ("ours", "memory"):
        for peer in PEERS:
            assert seen[Variant(peer, guard=False, store=store), LOSES].score.false_confirmation
            assert seen[Variant(peer, guard=True, store=store), LOSES].score.right
            # The guard asks whether anything changed, and something did.
            fooled = seen[Variant(peer, guard=True, store=store), "another writer, and a claim without a call"]
            assert fooled.score.false_confirmation
            late = seen[Variant(peer, guard=True, store=store), "no answer after the commit; the model gives up"]
            assert late.score.false_denial
    ours = [record for record in records if record.variant.name == OURS]
    assert not any(played.score.false_confirmation or played.score.false_denial for played in ours[0].played)
    assert OURS in summary(records)
    assert matrix(records).count("\n") == len(SCENARIOS) + 1
