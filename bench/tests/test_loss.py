"""The bench of lost packets: that packets are lost, and that what is measured tells the timers apart."""

import os
import shutil
import subprocess

import pytest
from bench.loss.__main__ import loss
from bench.loss.measuring import LOSSES, Cell
from bench.loss.report import message_table
from bench.loss.variants import AIORTC, TIMERS, TRAFFIC


def test_a_row_says_how_the_tail_compares_with_aiortcs_timers_and_how_much_was_sent_twice() -> None:
    cells = {
        (percent, traffic, timers): Cell(
            late_ms=[1.0] * 98 + [1000.0 if timers == AIORTC else 250.0] * 2,
            answered_ms=[2.0] * 100,
            packets=200,
            repeated=5,
        )
        for percent in LOSSES
        for traffic in TRAFFIC
        for timers in TIMERS
    }
    rows = [row.split(" | ") for row in message_table("nobody", cells).splitlines() if row.startswith("| 10 %")]
    of_aiortc, of_others = rows[0], rows[1]
    assert of_aiortc[2:8] == [AIORTC, "1", "1", "1000", "1000", "100"]
    assert of_aiortc[8:10] == ["1.00", "2.5 %"]
    assert of_others[8] == "0.25"


@pytest.fixture
def namespaces() -> None:
    """Skips, by name, where they cannot be made."""
    if os.geteuid() == 0 and all(shutil.which(tool) for tool in ("ip", "nft")):
        return
    reason = "needs root, ip and nft for network namespaces"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.mark.long
@pytest.mark.usefixtures("namespaces")
async def test_the_bench_runs_and_leaves_no_namespace_behind() -> None:
    shown = await loss(["bare aiortc"], seconds=3.0, openings=1)
    rows = [row.split(" | ") for row in shown.splitlines() if row.startswith("| ")]
    assert len([row for row in rows if row[0] == "| 10 %"]) == len(TIMERS) * (len(TRAFFIC) + 1)
    sent_again = {
        percent: sum(float(row[9].removesuffix(" %")) for row in rows if row[0] == f"| {percent} %" and len(row) > 9)
        for percent in LOSSES
    }
    assert sent_again[0] < sent_again[2] < sent_again[10]
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"loss-{os.getpid()}-" not in left
