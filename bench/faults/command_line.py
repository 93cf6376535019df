"""`python -m bench.faults [--runs N] [--seed S] [--break GUARD] [--readme]`."""

import argparse
import asyncio
import logging
import os
import platform
import sys
import time
from pathlib import Path
from typing import Final

from bench.faults.breaking import TURNS_RED, without
from bench.faults.faults import runs
from bench.faults.matrix import Played, play
from bench.faults.table import table, tallied
from bench.faults.world import running_world
from local_stack.temporary import temporary_directory

README: Final = Path(__file__).parent.parent.parent / "README.md"
BEGIN, END = "<!-- faults -->", "<!-- /faults -->"
RUNS: Final = 2100
SHOWN: Final = 40


def main() -> None:
    """The command line. Exits 1 where a promise was broken, or with a guard away where none was."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description="Every class of fault, scored by rows.")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"{RUNS} unless given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--break", dest="guard", choices=sorted(TURNS_RED), help="take this guard away")
    parser.add_argument("--only", metavar="CLASS", help="F1 to F15")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    arguments = parser.parse_args()
    if arguments.readme and (arguments.guard or arguments.only):
        parser.error("--readme takes the whole matrix: leave out --break and --only")
    logging.disable(logging.CRITICAL)  # refutations and lost replies are what is wanted here
    started = time.monotonic()
    played = asyncio.run(_matrix(arguments.runs, arguments.seed, arguments.guard, arguments.only))
    tallies = tallied((each.case, each.score) for each in played)
    wrong = sorted(
        (each for each in played if not each.score.right_end or each.broken), key=lambda each: not each.broken
    )
    for each in wrong[:SHOWN]:
        print(each.told(), file=sys.stderr)
    took = time.monotonic() - started
    shown = (
        f"{len(played)} runs, seed {arguments.seed}, {took:.0f} s on {os.cpu_count()} cores, Python"
        f" {platform.python_version()}.\n\n{table(tallies)}"
    )
    print(shown)
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{shown}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    red = [fault for fault, tally in tallies.items() if tally.red]
    if arguments.guard is None:
        sys.exit(f"broken promises in {', '.join(red)}" if red else 0)
    missing = [fault for fault in TURNS_RED[arguments.guard] if fault in tallies and fault not in red]
    if missing:
        sys.exit(f"without {arguments.guard}, {', '.join(missing)} should be red")
    print(f"Without {arguments.guard} promises are broken in {', '.join(red)}, as must be.")


async def _matrix(count: int, seed: int, guard: str | None, only: str | None) -> list[Played]:
    cases = [case for case in runs(count, seed) if only in (None, case.fault)]
    with temporary_directory() as directory:
        async with running_world(directory) as world:
            with without(guard) as store:
                return await play(world, cases, store)
