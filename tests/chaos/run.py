"""One chaos run on a stack of its own, and its table.

`.venv/bin/python -m tests.chaos.run` prints it; `--turns 500 --sessions 10` is the long form, `--seed` another one,
`--readme` puts the table into the README, `--keep DIR` keeps the logs of the processes.
"""

import argparse
import asyncio
import os
import platform
import random
import shutil
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from local_stack.temporary import running_stack, temporary_directory

from .accounts import accounts
from .checker import Violation, check, given_up
from .collect import collect
from .history import History, Kind, Step
from .killer import SERVICES, How, Killer, Struck
from .ledger import Account
from .sessions import Session
from .steps import SHARED_LIST, names, script

README: Final = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- chaos -->", "<!-- /chaos -->"
STACK: Final = ("--standin", "--scale", "agent=2,rtc-gateway=2,todo-store=2", "--deaths", "1000")
PEACE_S: Final = 90.0
"""How long the last turns may take after the killer has stopped: leases run out, services come back."""


@dataclass(frozen=True)
class Form:
    """One run. `at_once` turns are let go right before each blow. `blows` None: until every turn is told.

    `bound_s` is the time after which the killer stops anyway.
    """

    turns: int
    sessions: int
    seed: int
    blows: int | None = None
    at_once: int = 3
    pace_s: tuple[float, float] = (1.0, 2.0)
    bound_s: float = 1500.0


SHORT: Final = Form(turns=40, sessions=4, seed=1, blows=16, pace_s=(0.6, 1.4), bound_s=40.0)
LONG: Final = Form(turns=500, sessions=10, seed=1)


@dataclass(frozen=True)
class Report:
    """What came out of a run."""

    form: Form
    history: History
    violations: list[Violation]
    duration_s: float
    connections: int
    account: Account
    struck: list[Struck] = field(repr=False)


def sessions_of(form: Form, url: str, gate: asyncio.Semaphore) -> list[Session]:
    """The sessions of a run, by its seed. Every other one sends several turns without waiting."""
    rng = random.Random(form.seed)
    words = names(rng)
    each, more = divmod(form.turns, form.sessions)
    return [
        Session(url, script(rng, words, each + (number < more)), gate, window=4 if number % 2 else 1)
        for number in range(form.sessions)
    ]


async def prepared(url: str) -> Session:
    """Make the list that all share, before anything dies."""
    first = Session(url, [Step(Kind.CREATE_LIST, SHARED_LIST)], asyncio.Semaphore())
    await asyncio.wait_for(first.run(), PEACE_S)
    return first


async def chaos(form: Form, *, keep: Path | None = None) -> Report:
    """Run the whole: a stack, the sessions, the killer, the checker."""
    with temporary_directory() as directory:
        try:
            async with running_stack(directory, *STACK) as stack:
                first = await prepared(stack.url)
                gate = asyncio.Semaphore(0)
                sessions = sessions_of(form, stack.url, gate)
                killer = Killer(stack.pid, random.Random(form.seed), form.pace_s, lambda: _open(gate, form.at_once))
                begun = time.monotonic()
                await _under(killer, sessions, form, gate)
                duration_s = time.monotonic() - begun
                everyone = [first, *sessions]
                history = await collect(directory, [asked for session in everyone for asked in session.asked])
                account = await accounts(directory, [session.witness for session in everyone])
        finally:
            if keep is not None:
                shutil.copytree(directory.logs, keep, dirs_exist_ok=True)
    connections = sum(session.witness.connections for session in everyone)
    return Report(form, history, check(history), duration_s, connections, account, killer.struck)


def _open(gate: asyncio.Semaphore, count: int) -> None:
    for _ in range(count):
        gate.release()


async def _under(killer: Killer, sessions: list[Session], form: Form, gate: asyncio.Semaphore) -> None:
    enough = asyncio.Event()
    striking = asyncio.create_task(killer.run(enough, most=form.blows))
    asking = asyncio.gather(*(session.run() for session in sessions))
    try:
        # Every blow falls, where they are counted, though the turns may be through before.
        await asyncio.wait({striking if form.blows is not None else asking}, timeout=form.bound_s)
        enough.set()
        await striking
        _open(gate, form.turns)
        # What is not told by then is for the checker to name.
        await asyncio.wait({asking}, timeout=PEACE_S)
        if asking.done():
            asking.result()
    finally:
        enough.set()
        asking.cancel()
        await asyncio.gather(striking, asking, return_exceptions=True)


def table(report: Report) -> str:
    """The run for people, in Markdown."""
    history = report.history
    outcomes = Counter(end.turn.outcome.value for end in history.ends)
    by_service = Counter(struck.service for struck in report.struck)
    by_how = Counter(struck.how for struck in report.struck)
    found = Counter(violation.wrong.value for violation in report.violations)
    rows = {
        "turns accepted": f"{len(history.starts)}, from {report.form.sessions} sessions and one that prepared",
        "turns completed": ", ".join(f"{count} {name}" for name, count in outcomes.most_common()),
        "given up after three crashes": str(sum(1 for end in history.ends if given_up(end.turn))),
        "rejected, and asked anew": str(sum(asked.rejected for asked in history.asked)),
        "sent again, and accepted again": str(sum(asked.accepted > 1 for asked in history.asked)),
        "connections": str(report.connections),
        "taken over by another attempt": f"{history.taken_over}, {history.crashed} of them after a worker's death",
        "processes struck": f"{len(report.struck)}: "
        + ", ".join(f"{by_service[service]} {service}" for service in SERVICES),
        "of these": ", ".join(f"{by_how[how]} {how.value}" for how in How),
        "events told": str(report.account),
        "on the wire": report.account.wire,
        "entries in the journal": str(len(history.changes)),
        "violations": ", ".join(f"{count} {wrong}" for wrong, count in found.most_common()) or "**0**",
        "duration": f"{report.duration_s:.0f} s",
    }
    head = f"{os.cpu_count()} cores, Python {platform.python_version()}, seed {report.form.seed}."
    return "\n".join([head, "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.run", description="Kill processes, check promises.")
    parser.add_argument("--turns", type=int, default=SHORT.turns)
    parser.add_argument("--sessions", type=int, default=SHORT.sessions)
    parser.add_argument("--seed", type=int, default=SHORT.seed)
    parser.add_argument("--blows", type=int, help="stop after so many (default: when every turn is told)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy the processes' logs there")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    arguments = parser.parse_args()
    form = Form(arguments.turns, arguments.sessions, arguments.seed, arguments.blows)
    report = asyncio.run(chaos(form, keep=arguments.keep))
    shown = table(report)
    sys.stdout.write("\n".join([shown, *map(str, report.violations)]) + "\n")
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{shown}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    sys.exit(0 if report.account.is_settled and not report.violations else 1)


if __name__ == "__main__":
    main()
