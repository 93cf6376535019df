"""From one turn to the next: the open question and its answer, and what an owner calls their lists.

Only structure goes over, by way of the store. The words of an earlier turn come back to code alone, never to a model.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from pydantic import ValidationError

from agent.answering import Reply, is_reply, reply_to
from agent.board import Board
from agent.names import named_in
from agent.resolution import Context, Ending, Resolution
from agent.store import Store
from agent.words import NOTHING_CHANGED
from contracts.dialogue import QUESTION_MAX_BYTES, Alias, Choice, Question, RememberRequest
from contracts.planning import ModelPlan, PlanStep
from contracts.turns import Outcome, TurnStarted

_SETTLED: Final = frozenset({Outcome.CONFIRMED, Outcome.ALREADY_SO, Outcome.ANSWERED})


@dataclass(frozen=True)
class Asked:
    """What is to be resolved: a plan for a request accepted on a day of the user's, with what is known beside it.
    `alias` is learned if it succeeds; `prelude` is said before another question."""

    plan: ModelPlan
    request: str
    today: date
    context: Context
    alias: Alias | None = None
    prelude: str = ""


class Conversation:
    """What a turn hears of the one before, and leaves for the one after it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def hear(
        self, started: TurnStarted, question: Question | None, aliases: tuple[Alias, ...], board: Board
    ) -> Asked | Ending | None:
        """The request that this one answers a question about; an ending where it answers with no; None where it is a
        request of its own, which drops the question. Raises BusError."""
        if question is not None and started.accepted_at < question.accepted_at:
            question = None  # said before this was asked: it answers something else
        if question is not None:
            taken = await self._store.remember(self._of(started, answers=question.asked_by))
            # A turn does not answer what it asked itself, when it is delivered again.
            question = question if taken.taken and question.asked_by != started.turn_id else None
        if question is None:
            if not is_reply(started.text):
                return None
            text = f"There is no question open that this could answer. {NOTHING_CHANGED}"
            return Ending(Outcome.CLARIFY, text, reason="no_question")
        answer = reply_to(started.text, question.choices)
        if answer is None:
            return None
        if answer is Reply.NO:
            return Ending(Outcome.CANCELLED, f"All right. {NOTHING_CHANGED}", reason="declined")
        return _resumed(question, answer if isinstance(answer, Choice) else None, aliases, board)

    async def ask(self, started: TurnStarted, asked: Asked, board: Board, resolution: Resolution) -> None:
        """Keep the question that a turn ends with, if it ends with one. Raises BusError."""
        if not isinstance(resolution, Ending) or not resolution.choices:
            return
        question = _question(started, asked, board, resolution)
        # A larger one is answered by its buttons, which carry the whole request.
        if question is not None and len(question.to_json()) <= QUESTION_MAX_BYTES:
            await self._store.remember(self._of(started, question=question))

    async def learn(self, started: TurnStarted, asked: Asked | None, outcome: Outcome) -> None:
        """Keep what the owner calls a list, once what they meant has been done. Raises BusError."""
        if asked is not None and asked.alias is not None and outcome in _SETTLED:
            await self._store.remember(self._of(started, alias=asked.alias))

    @staticmethod
    def _of(
        started: TurnStarted,
        *,
        answers: str | None = None,
        question: Question | None = None,
        alias: Alias | None = None,
    ) -> RememberRequest:
        return RememberRequest(
            owner=started.owner,
            session=started.session,
            turn_id=started.turn_id,
            answers=answers,
            question=question,
            alias=alias,
        )


def called_in(request: str, aliases: Iterable[Alias]) -> dict[str, str]:
    """What this request itself calls lists, by their ids: no other phrase may reach a prompt."""
    return {alias.list_id: alias.phrase for alias in named_in(request, ((one.phrase, one) for one in aliases)).rows}


def _resumed(question: Question, choice: Choice | None, aliases: tuple[Alias, ...], board: Board) -> Asked:
    """The question's request again, settled by the choice; unsettled, so that it is asked anew, where no choice was
    made or the rows are no longer those that it was asked about."""
    settled = frozenset(question.settled)
    same = seen_of(board, question.about) == question.seen
    alias = None
    if choice is not None and same:
        settled |= {choice.settles}
        if question.phrase is not None and question.reason == "which_list":
            alias = Alias(phrase=question.phrase, list_id=choice.settles)
    context = Context(settled, aliases)
    prelude = "" if same else "This has changed since you were asked. "
    return Asked(_with_aliases_of(question, board), question.request, question.today, context, alias, prelude)


def said_before(ending: Resolution, prelude: str) -> Resolution:
    """A question with a word about why it is asked again."""
    return replace(ending, text=prelude + ending.text) if prelude and isinstance(ending, Ending) else ending


def _question(started: TurnStarted, asked: Asked, board: Board, ending: Ending) -> Question | None:
    aliases = {alias for step in asked.plan.steps for alias in (_alias(step.list), _alias(step.item)) if alias}
    about = tuple(dict.fromkeys((*ending.about, *(token for token in asked.context.settled if _is_row(token, board)))))
    try:
        return Question(
            asked_by=started.turn_id,
            accepted_at=started.accepted_at,
            request=asked.request,
            today=asked.today,
            reason=ending.reason or "",
            plan=asked.plan,
            rows={
                alias: row.id for alias in aliases if (row := board.list_at(alias) or board.item_at(alias)) is not None
            },
            choices=ending.choices,
            settled=tuple(sorted(asked.context.settled)),
            about=about,
            seen=seen_of(board, about),
            phrase=ending.phrase,
        )
    except ValidationError:
        return None  # about more rows than a question keeps


def _is_row(token: str, board: Board) -> bool:
    return board.state.row(token) is not None


def _alias(text: str) -> str:
    return text.strip().upper()


def _with_aliases_of(question: Question, board: Board) -> ModelPlan:
    """The plan with today's aliases of the rows that its own aliases meant."""

    def renamed(text: str) -> str:
        row = question.rows.get(_alias(text))
        return text if row is None else board.alias_of(row)

    def step_now(step: PlanStep) -> PlanStep:
        return step.model_copy(update={"list": renamed(step.list), "item": renamed(step.item)})

    return ModelPlan(steps=tuple(step_now(step) for step in question.plan.steps))


def seen_of(board: Board, about: Iterable[str]) -> str:
    """A digest of the versions of these rows, where `id/*` is a list with all its items: equal while none of them
    changed."""
    tokens = sorted(set(about))
    if not tokens:
        return ""
    lists = {row.id: row for row in board.lists}
    wanted = set(tokens)
    parts = [f"{row.id}:{row.version}" for row in board.lists if {row.id, f"{row.id}/*"} & wanted]
    whole = {token.removesuffix("/*") for token in tokens if token.endswith("/*")}
    for list_id in lists:
        rows = board.items_of(list_id)
        parts += [f"{item.id}:{item.version}" for item in rows if list_id in whole or item.id in wanted]
    return hashlib.sha256(" ".join(sorted(parts)).encode()).hexdigest()[:32]
