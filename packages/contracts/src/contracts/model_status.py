"""Whether the language model can be asked: what each agent finds, and what the page is told of all of them."""

import re
from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from contracts.instruments import OTHER
from contracts.message import Message
from contracts.tokens import Token

_NAME: Final = re.compile(r"[\w./:@+-]{1,100}", re.ASCII)


def name_to_record(name: str) -> str:
    """A model's name as spans and logs may hold it, "other" for what has not the form of one: a server may say anything
    in its place, its prompt too. A receipt and a status, which are for whoever asked, have it as it was said."""
    return name if _NAME.fullmatch(name) else OTHER


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
