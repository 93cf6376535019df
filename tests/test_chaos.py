"""Processes die at random while sessions ask, and everything that was accepted is answered, once, and true."""

import pytest

from .chaos.killer import SERVICES
from .chaos.restart import restarted
from .chaos.run import LONG, SHORT, Form, Report, chaos, table


def kept_every_promise(report: Report) -> None:
    assert report.violations == [], f"{table(report)}\n" + "\n".join(map(str, report.violations))
    assert report.account.is_settled, report.account
    told = [asked for asked in report.history.asked if asked.told]
    # The one that prepared the run among them.
    assert len(told) == len(report.history.ends) == report.form.turns + 1


@pytest.mark.timeout(240)
async def test_forty_turns_from_four_sessions_keep_every_promise_while_processes_die() -> None:
    report = await chaos(SHORT)
    kept_every_promise(report)
    assert len(report.struck) == SHORT.blows
    assert {struck.service for struck in report.struck} == set(SERVICES)


@pytest.mark.long
async def test_five_hundred_turns_from_ten_sessions_keep_every_promise_while_processes_die() -> None:
    report = await chaos(LONG)
    kept_every_promise(report)
    assert {struck.service for struck in report.struck} == set(SERVICES)


@pytest.mark.long
async def test_fifty_turns_are_completed_though_everything_is_killed_in_the_middle_and_started_again() -> None:
    report = await restarted(Form(turns=50, sessions=5, seed=1))
    kept_every_promise(report)
    assert report.connections > len({start.turn.session for start in report.history.starts})
