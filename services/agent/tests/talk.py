"""A person talking to the agent: turn after turn of one session, over a store in memory and models that plan by script.

Steps are written as in the stand-in's table: `add_item list=L1 text=tea; complete_item item=L1.2`. States are lists of
titles, where "x " stands for done and " @2026-12-24" for the due date.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from boards import OWNER
from fake_store import FakeStore

from agent.cancelling import Cancelling
from agent.cycle import Cycle
from agent.planner import Planned
from agent.turns import Turns
from bus.interface import Job, Stored
from contracts.message import Message
from contracts.planning import ModelPlan
from contracts.store import Snapshot
from contracts.todo import TodoItem, TodoList
from contracts.turns import TurnCompleted, TurnPhase, TurnStarted

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)  # a Sunday

State = Mapping[str, Sequence[str]]


def plan_of(steps: str) -> ModelPlan:
    """The plan that a line of the table stands for."""
    parsed = []
    for step in steps.split("; "):
        op, _, rest = step.partition(" ")
        fields = dict(re.findall(r"(list|item|text|notes|due|priority|select)=(.*?)(?= (?:list|item|text|notes|due|priority|select)=|$)", rest))  # fmt: skip # noqa: E501
        parsed.append({"op": op, **fields})
    return ModelPlan.model_validate({"steps": parsed})


def snapshot_from(state: Sequence[tuple[str, Sequence[str]]]) -> Snapshot:
    """Rows for a state; several lists may have one name."""
    lists = tuple(
        TodoList(id=f"l{place}", name=name, position=f"a{place}", version=1) for place, (name, _) in enumerate(state)
    )
    items = []
    for number, (_, titles) in enumerate(state):
        for place, written in enumerate(titles):
            title, _, due = written.removeprefix("x ").partition(" @")
            row = {"title": title, "done": written.startswith("x "), "due": due or None, "position": f"a{place:04}"}
            items.append(
                TodoItem.model_validate(row | {"id": f"i{number}x{place}", "list_id": f"l{number}", "version": 1})
            )
    return Snapshot(owner=OWNER, revision=7, lists=lists, items=tuple(items))


class Model:
    """Plans as told, and keeps what it was shown."""

    def __init__(self) -> None:
        self.steps = ""
        self.calls = 0
        self.prompts: list[str] = []

    async def plan(self, messages: list[dict[str, str]], *, lists: tuple[str, ...], items: tuple[str, ...]) -> Planned:
        self.calls += 1
        self.prompts.append("\n".join(message["content"] for message in messages))
        return Planned(plan_of(self.steps), "fake", 1, 1, 1, 0.0)


class Bus:
    """Keeps the last message stored."""

    def __init__(self) -> None:
        self.last: Message | None = None

    async def publish(self, subject: str, message: Message) -> None:
        assert isinstance(message, TurnPhase), subject

    async def store(self, subject: str, message: Message) -> Stored:
        self.last = message
        return Stored(1, repeated=False)

    async def stored(self, stream: str, subject: str) -> None:
        """Nobody was told anything before: a turn that is delivered again is taken to its end again."""


class Talk:
    """One session."""

    def __init__(self, *state: tuple[str, Sequence[str]]) -> None:
        self.store = FakeStore(snapshot_from(state))
        self.model = Model()
        self.bus = Bus()
        self.turns = 0

    async def say(
        self, text: str, steps: str = "say text=?", *, session: str = "s", again: bool = False, at: datetime = NOW
    ) -> TurnCompleted:
        """One turn; `again` delivers the turn before once more."""
        self.turns += not again
        self.model.steps = steps
        started = TurnStarted(session=session, turn_id=f"t{self.turns}", owner=OWNER, text=text, accepted_at=at)
        turns = Turns(self.bus, self.store, self.model, Cycle(self.store), Cancelling(self.store), outage_retry_s=0)  # type: ignore[arg-type]
        await turns.handle(Job("job.chat.1.s.t", started.to_json(), sequence=7, deliveries=2 if again else 1))
        assert isinstance(self.bus.last, TurnCompleted)
        return self.bus.last

    def lists(self) -> list[tuple[str, list[str]]]:
        """The state now, written as it was given."""
        state = self.store.state
        return [
            (row.name, [_written(item) for item in state.items_of(list_id)]) for list_id, row in state.lists.items()
        ]


def _written(item: TodoItem) -> str:
    due = f" @{item.due.isoformat()}" if item.due is not None else ""
    return f"{'x ' if item.done else ''}{item.title}{due}"
