"""The bench of capacity counts what really happened: sessions that are served, and pings that were answered."""

from collections import Counter

import pytest
from bench.capacity import __main__ as bench
from bench.processes import Cost


def test_what_a_process_used_is_a_share_of_one_core() -> None:
    begun, ended = Cost(at_s=10, cpu_s=3, memory_bytes=0, files=0), Cost(at_s=20, cpu_s=8, memory_bytes=0, files=0)
    assert ended.percent_since(begun) == 50.0


def test_sessions_that_could_not_be_opened_are_told() -> None:
    assert bench.Opened(8, 1.0, Counter(), 8).ended_because == ""
    assert (
        "8 of 10**: 2 x no room (capacity)"
        in bench.Opened(8, 1.0, Counter({"no room (capacity)": 2}), 10).ended_because
    )
    assert "after 60 s" in bench.Opened(8, 1.0, Counter(), 10).ended_because


@pytest.mark.long
async def test_every_session_that_is_counted_is_served_and_every_ping_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "IDLE_S", 1.0)
    monkeypatch.setattr(bench, "ACTIVE_S", 1.0)
    shown = await bench.capacity(6, 2)
    assert "| 2 more, active | 6 of 6 |" in shown
    assert "| 6 more, idle | 10 of 10 |" in shown
    assert "20 of 20 were answered" in shown
    monkeypatch.setattr(bench, "limits", lambda sessions, secret: {"AUTH_SECRET": secret, "SESSIONS_MAX": "8"})
    shown = await bench.capacity(6, 2)
    assert "| 4 more, idle | 8 of 8 |" in shown
    assert "**2 of 4**: 2 x " in shown
