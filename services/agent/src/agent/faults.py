"""Why a model gave no plan that can be used."""

from enum import StrEnum
from typing import Final


class ModelFault(StrEnum):
    """A kind of failure; its value is the reason that the user's answer carries."""

    UNREACHABLE = "model_unreachable"
    DROPPED = "model_dropped"  # the connection broke in the middle of an answer
    TIMEOUT = "model_timeout"
    RESTING = "model_resting"  # not asked, since it failed several times in a row
    NOT_LOADED = "model_not_loaded"
    LOADING = "model_loading"
    BAD_ENDPOINT = "model_bad_endpoint"
    OVERFLOW = "model_context_overflow"
    HTTP_ERROR = "model_http_error"
    EMPTY = "model_empty"
    TRUNCATED = "model_truncated"
    NO_PLAN = "model_no_plan"
    UNKNOWN_TOOL = "model_unknown_tool"
    BAD_PLAN = "model_bad_plan"


class ModelError(Exception):
    """The model gave no usable plan. Nothing of what it sent is in here: it may quote the user."""

    def __init__(self, fault: ModelFault, status: int | None = None) -> None:
        super().__init__(fault.value)
        self.fault = fault
        self.status = status


REPAIRABLE: Final = frozenset(
    {
        ModelFault.DROPPED,
        ModelFault.HTTP_ERROR,
        ModelFault.EMPTY,
        ModelFault.TRUNCATED,
        ModelFault.NO_PLAN,
        ModelFault.UNKNOWN_TOOL,
        ModelFault.BAD_PLAN,
    }
)
"""What a second question can mend: passing trouble, and an answer in a form that could not be used."""

SERVER_DEAD: Final = frozenset(
    {ModelFault.UNREACHABLE, ModelFault.DROPPED, ModelFault.TIMEOUT, ModelFault.HTTP_ERROR, ModelFault.EMPTY}
)
"""What counts against the server itself, and not against one answer of a model that works."""

_SENTENCES: Final = {
    ModelFault.UNREACHABLE: "The language model does not answer. See that its server runs, and ask again.",
    ModelFault.DROPPED: "The language model's server broke off in the middle of its answer. Ask again.",
    ModelFault.TIMEOUT: "The language model took too long. Ask again, or load a smaller model.",
    ModelFault.RESTING: "The language model failed several times in a row and is tried again in some seconds. "
    "See that its server runs.",
    ModelFault.NOT_LOADED: "LM Studio has no model loaded. Load one and ask again.",
    ModelFault.LOADING: "LM Studio is still loading the model. Ask again in a minute.",
    ModelFault.BAD_ENDPOINT: "The model's address is wrong: what answers there is not LM Studio's /v1. "
    "Set MODEL_URL to the server's address without the /v1.",
    ModelFault.OVERFLOW: "Your lists and this request do not fit into the model's context. "
    "Load the model with a larger context length, or ask for less at once.",
    ModelFault.TRUNCATED: "The language model's plan was cut off. Try a shorter request.",
}
_OTHERWISE: Final = "The language model gave no plan that can be used. Try again, or put it differently."


def sentence(fault: ModelFault) -> str:
    """What the user reads: what happened and what to do."""
    return _SENTENCES.get(fault, _OTHERWISE)
