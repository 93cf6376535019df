"""What a dialogue needs to be understood: the question that is open, and what an owner calls their lists.

Structured, bounded and short-lived; the words of an earlier turn never reach a prompt through it.
"""

from datetime import date
from typing import Annotated, Final

from pydantic import AwareDatetime, Field

from contracts.message import Message
from contracts.planning import ModelPlan
from contracts.tokens import ListId, OwnerKey, SessionId, TurnId

QUESTION_MAX_BYTES: Final = 64 * 1024
"""A larger question is asked all the same, and can be answered by its buttons alone."""
QUESTION_EXPIRES_S: Final = 600
CHOICES_MAX: Final = 6
ALIASES_PER_OWNER_MAX: Final = 100
"""The one least recently learned makes room."""

Phrase = Annotated[str, Field(min_length=1, max_length=100)]


class Alias(Message):
    """What an owner calls a list, learned from an answer: "shopping list" is Groceries. The phrase is folded."""

    phrase: Phrase
    list_id: ListId


class Choice(Message):
    """One thing that could be meant: what the page shows, and what choosing it settles."""

    label: str
    detail: str | None = None
    reply: str = Field(description="the request that choosing it sends")
    settles: str = Field(max_length=64, description="a row's id, `due:YYYY-MM-DD`, or `delete`")


class Question(Message):
    """A question that a turn ended with, in the form in which code can go on once it is answered."""

    asked_by: TurnId
    accepted_at: AwareDatetime = Field(description="when the turn that asks was: an answer is accepted later")
    request: str
    today: date = Field(description="the user's day when the request was accepted: its tomorrow stays the same")
    reason: str
    plan: ModelPlan
    rows: dict[str, str] = Field(default_factory=dict, description="what the plan's aliases meant: alias -> row id")
    choices: tuple[Choice, ...] = Field(min_length=1, max_length=CHOICES_MAX)
    settled: tuple[str, ...] = Field(default=(), max_length=50, description="by answers before this question")
    about: tuple[str, ...] = Field(default=(), max_length=2000, description="rows; `id/*` is a list with its items")
    seen: str = Field(default="", max_length=64, description="a digest of these rows' versions when it was asked")
    phrase: Phrase | None = Field(default=None, description="what the request calls the list that is asked for")


class RememberRequest(Message):
    """`rpc.todo.v1.remember`: what a turn leaves for the next one of its session. Safe to send again by its turn.

    `answers` takes the open question away: it is given to this turn alone, however often it asks, or to nobody.
    """

    owner: OwnerKey
    session: SessionId
    turn_id: TurnId
    answers: TurnId | None = Field(default=None, description="the turn whose question is taken, to answer or to drop")
    question: Question | None = Field(default=None, description="replaces the session's open one")
    alias: Alias | None = Field(default=None, description="learned; replaces what the phrase meant")


class Remembered(Message):
    """`taken` says that the question was open and is this turn's now."""

    taken: bool = False
