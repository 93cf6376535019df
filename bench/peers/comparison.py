"""The run itself: every scenario with every contender, then rounds in which each plays the good one, in turns."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.peers.contenders import Ours, Peer, Turn
from bench.peers.environment import PACKAGES
from bench.peers.faulty_store import new_owner
from bench.peers.rows import Rows, as_lists, of_lists, seeded
from bench.peers.scenarios import OTHERS_TITLE, SCENARIOS, Scenario, StoreFault
from bench.peers.scoring import Score, score
from bench.peers.scripted_model import Player, ScriptedModel
from bench.peers.servers import running
from contracts.operations import CreateItem, Operation
from contracts.tokens import new_item_id
from local_stack.directory import DataDirectory

PEERS: Final = ("react", "pydantic-ai", "openai-agents", "langchain", "smolagents")
OURS: Final = "todo-agent"
WARM_UP: Final = 3
ROUNDS: Final = 30


@dataclass(frozen=True)
class Variant:
    """Who plays, on which store (`memory`: the peer's own; `ours`), and with the guard or without."""

    name: str
    guard: bool = False
    store: str = "ours"


VARIANTS: Final = (
    Variant(OURS),
    *(Variant(name, guard, store) for store in ("ours", "memory") for name in PEERS for guard in (False, True)),
)


@dataclass(frozen=True)
class Played:
    """One run of a scenario, and what it cost."""

    scenario: Scenario
    turn: Turn
    score: Score
    calls: int
    prompt_tokens: int


@dataclass
class Record:
    """All runs of one variant: one for each scenario, and those for the clock."""

    variant: Variant
    played: list[Played] = field(default_factory=list)
    rounds: list[Played] = field(default_factory=list)


class Comparison:
    """Contenders that are up, and the model that they all talk to."""

    def __init__(self, model: ScriptedModel, rows: Rows, ours: Ours, peers: dict[str, Peer]) -> None:
        self._model = model
        self._rows = rows
        self._ours = ours
        self._peers = peers

    @classmethod
    @asynccontextmanager
    async def set_up(cls, directory: DataDirectory, names: Sequence[str] = PEERS) -> AsyncIterator["Comparison"]:
        """For the length of the block. Raises NotInstalledError."""
        python = PACKAGES.installed() if names else Path()
        model = ScriptedModel()
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(model.serving())
            servers = await stack.enter_async_context(running(directory, url))
            ours = await stack.enter_async_context(Ours.listening(servers.bus))
            peers = {
                name: await stack.enter_async_context(
                    Peer.running(python, name, url, servers.peers_env, directory.logs / f"{name}.log")
                )
                for name in names
            }
            yield cls(model, Rows(servers.bus), ours, peers)

    async def play(self, variant: Variant, scenario: Scenario) -> Played:
        """One run, over rows of its own."""
        operations, ids = seeded(scenario.seed)
        owner = new_owner(scenario.store)
        in_memory = variant.store == "memory"
        if not in_memory:
            await self._rows.write(owner, operations)
        edit: Operation = CreateItem(item_id=new_item_id(), list_id=ids["$list:Groceries"], title=OTHERS_TITLE)

        async def other_writer() -> None:
            if in_memory:
                await self._peers[variant.name].write(edit.model_dump(mode="json"))
            else:
                await self._rows.write(owner, (edit,))

        player = self._model.playing = Player(scenario, ids, other_writer if scenario.other_writer else None)
        if variant.name == OURS:
            turn = await self._ours.turn(scenario.request, owner=owner)
        elif in_memory:
            fault = "" if scenario.store is StoreFault.NONE else scenario.store.value
            store = {"store": "memory", "lists": as_lists(scenario.seed, ids), "fault": fault}
            turn = await self._peers[variant.name].turn(scenario.request, guard=variant.guard, store=store)
        else:
            store = {"store": "ours", "owner": owner}
            turn = await self._peers[variant.name].turn(scenario.request, guard=variant.guard, store=store)
        after = of_lists(turn.lists) if turn.lists is not None else await self._rows.read(owner)
        return Played(scenario, turn, score(scenario, turn.told, after), player.calls, player.prompt_tokens)


async def compare(
    comparison: Comparison,
    variants: Sequence[Variant] = VARIANTS,
    scenarios: Sequence[Scenario] = SCENARIOS,
    rounds: int = ROUNDS,
) -> list[Record]:
    """Everything once, then the clock: in each round every variant plays the scenario in which nothing goes wrong."""
    records = [Record(variant) for variant in variants]
    for record in records:
        for scenario in scenarios:
            record.played.append(await comparison.play(record.variant, scenario))
    for number in range(WARM_UP + rounds if rounds else 0):
        for record in records:
            played = await comparison.play(record.variant, SCENARIOS[0])
            if number >= WARM_UP:
                record.rounds.append(played)
    return records
