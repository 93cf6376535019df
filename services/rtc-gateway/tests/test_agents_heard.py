"""What several agents say of their models, as the one state that a page is told."""

import random

import pytest

from contracts.model_status import ModelReport, ModelState, ModelStatus
from rtc_gateway.agents_heard import AGENTS_MAX, AgentsHeard

SILENT_S = 15.0
NO_AGENT = ModelStatus(state=ModelState.NO_AGENT)
SAID = [state for state in ModelState if state is not ModelState.NO_AGENT]


def report(instance: str, state: ModelState, name: str | None = "qwen", *, stand_in: bool = False) -> ModelReport:
    return ModelReport(instance=instance, state=state, name=name, stand_in=stand_in)


def heard(*reports: ModelReport) -> AgentsHeard:
    agents = AgentsHeard(silent_after_s=SILENT_S, now=0.0)
    for one in reports:
        agents.take(one, 0.0)
    return agents


def test_nobody_is_missed_before_they_could_have_spoken() -> None:
    agents = heard()
    assert agents.status(SILENT_S - 0.1) is None
    assert agents.changes_by(0.0) == SILENT_S
    assert agents.status(SILENT_S) == NO_AGENT
    assert agents.changes_by(SILENT_S) is None  # only a report can change it now


@pytest.mark.parametrize("worse", SAID[1:])
def test_one_agent_that_can_ask_is_enough(worse: ModelState) -> None:
    agents = heard(report("a1", worse, None), report("a2", ModelState.READY), report("a3", worse, None))
    assert agents.status(1.0) == ModelStatus(state=ModelState.READY, name="qwen")


def test_of_two_that_are_ready_a_real_model_is_told_and_always_the_same() -> None:
    agents = heard(report("a1", ModelState.READY, "stand-in", stand_in=True), report("a2", ModelState.READY, "qwen"))
    assert agents.status(1.0) == ModelStatus(state=ModelState.READY, name="qwen")
    agents.take(report("a0", ModelState.READY, "llama"), 2.0)
    told = agents.status(2.0)
    for number in range(9):
        agents.take(report(f"a{number % 2}", ModelState.READY, ("llama", "qwen")[number % 2]), 3.0)
        assert agents.status(3.0) == told


def test_the_newest_word_of_an_agent_counts() -> None:
    agents = heard(report("a1", ModelState.READY))
    agents.take(report("a1", ModelState.LOADING), 1.0)
    assert agents.status(1.0) == ModelStatus(state=ModelState.LOADING, name="qwen")


def test_an_agent_that_falls_silent_counts_no_more() -> None:
    agents = heard(report("a1", ModelState.READY))
    agents.take(report("a2", ModelState.UNREACHABLE, None), 10.0)
    assert agents.changes_by(10.0) == SILENT_S
    assert agents.status(SILENT_S) == ModelStatus(state=ModelState.UNREACHABLE)
    assert agents.status(10.0 + SILENT_S) == NO_AGENT


def test_silence_while_we_were_deaf_is_not_theirs() -> None:
    agents = heard(report("a1", ModelState.READY))
    agents.deaf(SILENT_S - 1)
    assert agents.status(2 * SILENT_S - 2) == ModelStatus(state=ModelState.READY, name="qwen")
    assert agents.status(2 * SILENT_S - 1) == NO_AGENT


def test_of_more_agents_than_are_kept_the_longest_silent_is_forgotten() -> None:
    agents = heard(*(report(f"a{number}", ModelState.LOADING) for number in range(AGENTS_MAX)))
    agents.take(report("a0", ModelState.READY), 1.0)
    agents.take(report("one-more", ModelState.LOADING), 2.0)
    assert len(agents._heard) == AGENTS_MAX
    assert agents.status(2.0) == ModelStatus(state=ModelState.READY, name="qwen")


@pytest.mark.parametrize("seed", range(100))
def test_whatever_is_said_the_state_is_the_best_of_those_who_spoke_lately(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed
    agents = AgentsHeard(silent_after_s=SILENT_S, now=0.0)
    now, deaf_at = 0.0, 0.0
    said: dict[str, tuple[float, ModelState]] = {}
    for _ in range(200):
        now += dice.choice((0.1, 3.0, 20.0))
        kind = dice.randrange(6)
        if kind == 0:
            agents.deaf(now)
            deaf_at = now
        elif kind < 4:
            one, state = f"a{dice.randrange(4)}", dice.choice(SAID)
            agents.take(report(one, state), now)
            said[one] = (now, state)
        status = agents.status(now)
        # Who was silent for too long at a look is forgotten, even if we turn out to have been deaf.
        said = {one: word for one, word in said.items() if now < max(word[0], deaf_at) + SILENT_S}
        if said:
            assert status is not None
            assert status.state is min((word[1] for word in said.values()), key=list(ModelState).index)
        else:
            assert status == (NO_AGENT if now >= deaf_at + SILENT_S else None)
        changes_by = agents.changes_by(now)
        assert changes_by is None or changes_by > now
        assert (changes_by is None) == (status == NO_AGENT)
