"""PLAN of a turn: the rows, the question that may be open, the model's steps, and what comes of them on fresh rows."""

import time
from dataclasses import dataclass
from typing import Final

from agent import prompt
from agent.board import board_of, refreshed
from agent.conversation import Asked, Conversation, called_in, said_before
from agent.cycle import Clock
from agent.dates import day_of, zone_named
from agent.digest import digest, items_shown, lists_shown
from agent.endings import model_failed
from agent.faults import ModelError
from agent.planner import Planned, Planning
from agent.progress import Progress
from agent.reading import Reader
from agent.resolution import Context, Ending, Resolution
from agent.resolve import resolve
from agent.store import Store
from agent.undoing import wants_undo
from agent.waiting import told
from contracts.todo import Author, JournalEntry
from contracts.turns import ModelUse, Outcome, TurnStarted, WaitsFor
from verification.state import State

UNDOABLE: Final = (Author.CHAT, Author.BOARD)
"""Whose changes a person means who says "undo that": their own, not those of a program."""


@dataclass(frozen=True)
class Drafted:
    """What a request comes to, over which rows, what that cost, and the change that it takes back, if any. `asked` is
    what was resolved, in this turn or in one whose question this one answers."""

    resolution: Resolution
    before: State
    model: ModelUse | None = None
    undone: JournalEntry | None = None
    asked: Asked | None = None


class Drafting:
    """Drafts turns. Raises BusError, and SnapshotError as Reader.read does."""

    def __init__(self, store: Store, reader: Reader, model: Planning) -> None:
        self._store = store
        self._reader = reader
        self._model = model
        self._conversation = Conversation(store)

    async def draft(self, started: TurnStarted, clock: Clock, progress: Progress) -> Drafted:
        """Find out what the request comes to. Nothing is written but the question that it may end with."""
        # What the model is shown may miss what was written behind the journal; what is made of its answer may not.
        seen = await self._reader.read(started.owner, trusting=True, dialogue=started.session)
        board = board_of(seen.rows)
        today = day_of(started.accepted_at, zone_named(started.time_zone))
        if seen.question is not None:
            # An answer is carried out over these rows, with no model to wait for.
            exact = await self._reader.read(started.owner)
            board = board_of(exact.rows)
        asked = await self._conversation.hear(started, seen.question, seen.aliases, board)
        if isinstance(asked, Ending):
            return Drafted(asked, board.state)
        if asked is not None:
            resolution = resolve(asked.plan, board, asked.request, asked.today, context=asked.context)
            resolution = said_before(resolution, asked.prelude)
            await self._conversation.ask(started, asked, board, resolution)
            return Drafted(resolution, board.state, asked=asked)
        since = time.perf_counter()
        state = digest(board, started.text, today, called_in(started.text, seen.aliases))
        try:
            async with told(lambda: progress.waits_for(WaitsFor.MODEL)):
                planned: Planned = await self._model.plan(
                    prompt.messages(state, started.text), lists=lists_shown(state), items=items_shown(state)
                )
        except ModelError as error:
            return Drafted(model_failed(error), board.state)
        finally:
            clock.lap("model", since)
        use = ModelUse(
            name=planned.model,
            calls=planned.calls,
            prompt_tokens=planned.prompt_tokens,
            completion_tokens=planned.completion_tokens,
        )
        newest = await self._store.newest_change(started.owner, UNDOABLE) if wants_undo(planned.plan) else None
        # A model may take a minute, in which others go on: what is resolved, said and relied on is read after it, and
        # after the newest change, so that the rows are at least as new.
        fresh = await self._reader.read(started.owner)
        board = refreshed(board, fresh.rows)
        asked = Asked(planned.plan, started.text, today, Context(aliases=seen.aliases))
        resolution = resolve(planned.plan, board, started.text, today, newest, context=asked.context)
        await self._conversation.ask(started, asked, board, resolution)
        return Drafted(resolution, board.state, use, newest, asked)

    async def learn(self, started: TurnStarted, drafted: Drafted, outcome: Outcome) -> None:
        """Keep what the owner calls a list, once what they meant has been done."""
        await self._conversation.learn(started, drafted.asked, outcome)
