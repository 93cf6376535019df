"""Many runs at a time in one world, their table, and whether it is as it has to be."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.store import Store
from bench.faults.case import Case
from bench.faults.run import Run
from bench.faults.scoring import Evidence, Score
from bench.faults.world import SLOTS, World


@dataclass(frozen=True)
class Played:
    """One run with its score."""

    case: Case
    score: Score
    evidence: Evidence

    @property
    def broken(self) -> bool:
        """Whether a promise was broken."""
        return self.score.broken

    def told(self) -> str:
        """What was wrong with it, for people."""
        case, evidence = self.case, self.evidence
        return "\n".join(
            (
                f"{case.fault} {case.variant} / {case.template.name} / {case.company.name}",
                f"    asked {evidence.request!r} -> {evidence.outcome}: {evidence.text!r}",
                *(f"    {reason}" for reason in self.score.why),
                f"    collateral {self.score.collateral}, duplicates {self.score.duplicates}",
                f"    rows {evidence.after}",
            )
        )


async def play(world: World, cases: Sequence[Case], store: Callable[[World], Store]) -> list[Played]:
    """Play all cases, as many at a time as there are workers; in their order."""
    waiting = list(enumerate(cases))[::-1]
    played: dict[int, Played] = {}

    async def keep_playing() -> None:
        while waiting:
            number, case = waiting.pop()
            try:
                result, evidence = await Run(world, case, store).score()
            except Exception as error:
                error.add_note(f"{case.fault} {case.variant} / {case.template.name} / {case.company.name}")
                raise
            played[number] = Played(case, result, evidence)

    async with asyncio.TaskGroup() as group:
        for _ in range(SLOTS):
            group.create_task(keep_playing())
    return [played[number] for number in sorted(played)]
