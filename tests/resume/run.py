"""Sessions under gateways that are killed, and under a rolling restart of everything, and a table of what came of it.

`.venv/bin/python -m tests.resume.run` prints it; `--kills 50` is the long form, `--readme` puts the table into the
README.
"""

import argparse
import asyncio
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .kills import KillReport, gateways_killed
from .rolling import RollingReport, rolled
from .world import running_world

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- resume -->", "<!-- /resume -->"
SESSIONS: Final = 4


async def measure(kills: int, seed: int) -> tuple[KillReport, RollingReport]:
    """Each on a stack of its own."""
    async with running_world() as world:
        killed = await gateways_killed(world, kills, sessions=SESSIONS, seed=seed)
    return killed, await rolled(sessions=SESSIONS, seed=seed)


def table(killed: KillReport, restarted: RollingReport) -> str:
    """Both runs for people, in Markdown."""
    gaps = restarted.outages_of("rtc-gateway")
    seconds = sum(one.ended - one.began for one in restarted.restarts)
    names = ", ".join(one.name for one in restarted.restarts)
    rows = [
        (f"**`kill -9` of a gateway during an answer, {killed.kills} times**", ""),
        (
            "channels lost with it",
            f"{len(killed.noticed_s)}, of {killed.sessions} sessions; not resumed: {killed.not_resumed}",
        ),
        ("at the moment of", ", ".join(f"{moment.name.lower()} {times}" for moment, times in killed.moments.items())),
        ("events told", str(killed.account)),
        ("on the wire", killed.account.wire),
        ("until its client noticed", _seconds(killed.noticed_s)),
        ("from there to the next open channel", _seconds(killed.reconnected_s)),
        ("the same, where another gateway lived", _seconds(killed.reconnected_with_another_s)),
        ("**everything restarted, one process after the other, by SIGTERM**", ""),
        ("processes", f"{len(restarted.restarts)} in {seconds:.0f} s: {names}"),
        ("turns meanwhile", f"{restarted.turns}, from {SESSIONS} sessions; connections: {restarted.connections}"),
        ("events told", str(restarted.account)),
        ("on the wire", restarted.account.wire),
        ("broken promises, as in the chaos run", f"**{len(restarted.violations)}**"),
        ("without a channel while gateways were restarted", f"{sum(gaps):.2f} s in all, {len(gaps)} times"),
        ("without a channel otherwise", f"{sum(one.seconds for one in restarted.outages) - sum(gaps):.2f} s in all"),
    ]
    head = f"{os.cpu_count()} cores, Python {platform.python_version()}, two gateways, two agents."
    return "\n".join([head, "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _seconds(samples: Sequence[float]) -> str:
    p95 = sorted(samples)[int(len(samples) * 0.95)]
    return f"p50 {statistics.median(samples):.2f} s, p95 {p95:.2f} s, most {max(samples):.2f} s"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.resume.run", description="Kill gateways, restart everything."
    )
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    arguments = parser.parse_args()
    killed, restarted = asyncio.run(measure(arguments.kills, arguments.seed))
    shown = table(killed, restarted)
    sys.stdout.write("\n".join([shown, *map(str, restarted.violations)]) + "\n")
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{shown}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    settled = killed.account.is_settled and restarted.account.is_settled and not restarted.violations
    sys.exit(0 if settled and not killed.not_resumed + restarted.not_resumed else 1)


if __name__ == "__main__":
    main()
