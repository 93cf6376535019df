"""What is over its bound fails the run, once everything was measured."""

from collections.abc import Awaitable, Callable

import pytest
from bench import run
from bench.figures import OverBoundError, keep_to


async def slow() -> str:
    return keep_to(2.0, 2.1, "the slow one's table")


async def quick() -> str:
    return keep_to(2.0, 2.0, "the quick one's table")


@pytest.fixture(autouse=True)
def two_benches(monkeypatch: pytest.MonkeyPatch) -> None:
    benches: dict[str, Callable[[], Awaitable[str]]] = {"slow": slow, "quick": quick}
    monkeypatch.setattr(run, "BY_THEMSELVES", benches)


def begin(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["bench.run", *arguments])
    run.main()


def test_a_figure_over_its_bound_fails_the_run_and_the_others_are_measured_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        begin(monkeypatch, "slow", "quick")
    assert "slow" in str(ended.value.code)
    assert "quick" not in str(ended.value.code)
    said = capsys.readouterr().out
    assert "the slow one's table" in said
    assert "the quick one's table" in said


def test_it_is_only_shown_where_that_is_asked_for_and_one_within_its_bound_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(monkeypatch, "slow", "quick", "--any-cost")
    assert "the slow one's table" in capsys.readouterr().out
    begin(monkeypatch, "quick")


def test_the_error_has_the_table() -> None:
    with pytest.raises(OverBoundError) as caught:
        keep_to(1.0, 1.5, "table")
    assert caught.value.figures == "table"
