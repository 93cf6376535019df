"""Processes die at random while sessions ask, and everything that was accepted is answered, once, and true."""

import pytest

from .chaos.killer import SERVICES
from .chaos.run import LONG, SHORT, Report, chaos, table


def kept_every_promise(report: Report) -> None:
    assert report.violations == [], f"{table(report)}\n" + "\n".join(map(str, report.violations))
    told = [asked for asked in report.history.asked if not asked.rejected]
    # The one that prepared the run among them.
    assert len(told) == len(report.history.starts) == report.form.turns + 1
    assert {struck.service for struck in report.struck} == set(SERVICES)


@pytest.mark.timeout(240)
async def test_forty_turns_from_four_sessions_keep_every_promise_while_processes_die() -> None:
    report = await chaos(SHORT)
    kept_every_promise(report)
    assert len(report.struck) == SHORT.blows


@pytest.mark.long
async def test_five_hundred_turns_from_ten_sessions_keep_every_promise_while_processes_die() -> None:
    kept_every_promise(await chaos(LONG))
