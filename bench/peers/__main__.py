"""`python -m bench.peers`: compare with what people would use instead. Takes some minutes."""

import argparse
import asyncio
import os
from typing import Final

from bench.environments import ROOT, NotInstalledError
from bench.peers.comparison import ROUNDS, Comparison, Record, compare
from bench.peers.environment import PACKAGES
from bench.peers.report import matrix, name_of, parts_of_ours, summary
from bench.peers.scenarios import SCENARIOS
from local_stack.temporary import temporary_directory

README: Final = ROOT / "README.md"
BEGIN, END = "<!-- peers -->", "<!-- /peers -->"
_COMPARED: Final = (
    "openai", "pydantic-ai-slim", "openai-agents", "langchain", "langgraph", "smolagents",
)  # fmt: skip


async def measure(rounds: int = ROUNDS) -> list[Record]:
    """Every contender. Raises NotInstalledError."""
    with temporary_directory() as directory:
        async with Comparison.set_up(directory) as comparison:
            return await compare(comparison, rounds=rounds)


def table(records: list[Record]) -> str:
    """The table with what it was measured on."""
    pins = PACKAGES.versions()
    compared = ", ".join(f"{name} {pins[name]}" for name in _COMPARED)
    # With other work going on beside it, milliseconds say little, and how much there was should be seen.
    machine = f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    counted = f"{len(SCENARIOS)} scenarios, {len(records[0].rounds)} rounds; {machine}; {compared}."
    told = f"{counted} {parts_of_ours(records)}".strip()
    return f"{told}\n\n{summary(records)}"


async def peers() -> None:
    """Measure and print the table; for `bench.run`. Ends the program where the peers cannot be installed."""
    try:
        print(table(await measure()), flush=True)
    except NotInstalledError as error:
        raise SystemExit(str(error)) from error


def main() -> None:
    """The command line. Ends with status 1 where the peers cannot be installed."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description="Compare with other agents.")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    parser.add_argument("--say", action="store_true", help="print each agent's last words, too")
    arguments = parser.parse_args()
    try:
        records = asyncio.run(measure())
    except NotInstalledError as error:
        raise SystemExit(str(error)) from error
    shown = table(records)
    print(shown)
    for store in ("ours", "memory"):
        print(f"\nStore: {store}\n\n{matrix(records, store)}")
    if arguments.say:
        for record in records:
            for played in record.played:
                who = f"{name_of(record.variant)} ({record.variant.store})"
                print(
                    f"{who}\t{played.scenario.name}\t{played.calls} calls\t{played.turn.ms:.0f} ms\t{played.turn.said}"
                )
    if arguments.readme:
        text = README.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{shown}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
