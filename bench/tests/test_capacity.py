"""The bench of capacity counts what really happened: sessions that are served, and pings that were answered."""

import pytest
from bench.capacity import __main__ as bench
from bench.processes import Cost


def test_what_a_process_used_is_a_share_of_one_core() -> None:
    begun, ended = Cost(at_s=10, cpu_s=3, memory_bytes=0, files=0), Cost(at_s=20, cpu_s=8, memory_bytes=0, files=0)
    assert ended.percent_since(begun) == 50.0


def test_a_session_that_failed_ends_the_bench() -> None:
    with pytest.raises(SystemExit, match="capacity"):
        bench._expect_none_failed([{"failed": {}}, {"failed": {"no room (capacity)": 1}}])


@pytest.mark.long
async def test_every_session_that_is_counted_is_served_and_every_ping_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "IDLE_S", 1.0)
    monkeypatch.setattr(bench, "ACTIVE_S", 1.0)
    shown = await bench.capacity(6, 2)
    assert "6 more, idle" in shown
    assert "20 of 20 were answered" in shown
    monkeypatch.setattr(bench, "limits", lambda sessions, secret: {"AUTH_SECRET": secret, "SESSIONS_MAX": "5"})
    with pytest.raises(SystemExit, match="sessions failed"):
        await bench.capacity(6, 2)
