"""Whether the language model can be asked: what each agent finds, and what the page is told of all of them."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from contracts.message import Message
from contracts.tokens import Token


class ModelState(StrEnum):
    READY = "ready"
    LOADING = "loading"  # the server reads it into memory
    NOT_LOADED = "not_loaded"  # the server answers and has no model to use, or not the one that is wanted
    UNREACHABLE = "unreachable"  # no server answers where it should be
    NO_AGENT = "no_agent"  # nobody works: requests are kept and wait


class ModelReport(Message):
    """`ctl.agent.<instance>.model`: what an agent finds, said when it changes and every few seconds."""

    instance: Token
    state: ModelState
    name: str | None = Field(default=None, description="as the server calls it; None where there is none")
    stand_in: bool = False


class ModelStatus(Message):
    """The best that any agent finds. Told once a channel is open, and whenever it changes."""

    type: Literal["model.status"] = "model.status"
    state: ModelState
    name: str | None = None
    stand_in: bool = False
