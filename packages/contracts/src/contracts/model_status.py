"""Whether the language model can be asked: what each agent finds, and what the page is told of all of them."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from contracts.message import Message
from contracts.tokens import Token


class ModelState(StrEnum):
    READY = "ready"  # also where the first request loads it, which may take a minute
    LOADING = "loading"  # the server reads it into memory
    NOT_LOADED = "not_loaded"  # the server answers and has no model to use, or not the one that is wanted
    UNREACHABLE = "unreachable"  # no server answers where it should be, or one that has no list of models
    NO_AGENT = "no_agent"  # nobody works: requests are kept and wait


class ModelReport(Message):
    """`ctl.agent.<instance>.model`: what an agent finds, said when it changes and every few seconds."""

    instance: Token
    state: ModelState
    name: str | None = Field(default=None, description="as the server calls it; None where there is none")
    stand_in: bool = Field(default=False, description="it is the stand-in of this project, by its own word")


class ModelStatus(Message):
    """The best that any agent finds. Told once a channel is open, and whenever it changes; not before it is known."""

    type: Literal["model.status"] = "model.status"
    state: ModelState
    name: str | None = None
    stand_in: bool = False
