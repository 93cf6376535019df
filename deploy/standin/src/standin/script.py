"""What a test can make the stand-in answer: one step for one chat completion, in order."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, model_validator

from standin.prompt import Prompt
from standin.rules.scene import Names, Scene

STEPS_QUEUED_MAX: Final = 1000


class Fault(StrEnum):
    """Each is something LM Studio was seen to do; see `standin.faults` for the bodies."""

    HANG = "hang"  # answers as usual, after `seconds` or a release
    HTTP = "http"  # `status` and `body`
    EMPTY_CHOICES = "empty_choices"
    EMPTY = "empty"  # no content, no call, no tokens
    ERROR_200 = "error_200"  # HTTP 200 with an error in the body
    TEXT_CALL = "text_call"  # the call as text in the content, in `style`
    BAD_JSON = "bad_json"
    TRUNCATED = "truncated"
    EMPTY_ID = "empty_id"
    DUPLICATE_CALLS = "duplicate_calls"  # `times` over, only the ids differ
    STOP_WITH_CALLS = "stop_with_calls"
    MODEL_SWAPPED = "model_swapped"  # answered by `model`
    NOT_LOADED = "not_loaded"
    CONTEXT_OVERFLOW = "context_overflow"
    LIE = "lie"  # prose that claims success, no call


class Style(StrEnum):
    """How a call looks as text."""

    TOOL_CALL = "tool_call"
    TOOLS = "tools"
    FENCED = "fenced"
    BARE = "bare"


class ScriptStep(BaseModel):
    """A fault (with the rules' plan or the given one inside), exactly this plan, or a pass to the rules."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    fault: Fault | None = None
    plan: list[dict[str, JsonValue]] | None = Field(
        default=None, description='steps; {"$list": name}, {"$item": title}'
    )
    pass_: bool = Field(default=False, alias="pass")
    seconds: float = Field(default=30.0, ge=0, le=600)
    status: int = Field(default=500, ge=200, le=599)
    body: JsonValue = None
    style: Style = Style.TOOL_CALL
    times: int = Field(default=9, ge=2, le=50)
    model: str = Field(default="some-other-model", min_length=1, max_length=200)
    text: str | None = Field(default=None, max_length=10_000)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.pass_ == (self.fault is not None or self.plan is not None):
            message = 'needs "fault", "plan" or both, or else "pass": true alone'
            raise ValueError(message)
        return self


SCRIPT: Final[TypeAdapter[list[ScriptStep]]] = TypeAdapter(list[ScriptStep])
PASS: Final = ScriptStep.model_validate({"pass": True})


class ScriptError(Exception):
    """The script names something that is not in the prompt, or is too long."""


class Script:
    """The steps still to come; when they are used up the rules answer."""

    def __init__(self, steps: Iterable[ScriptStep] = ()) -> None:
        self._steps = deque(steps)

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, steps: list[ScriptStep]) -> None:
        """Queue more, or ScriptError when that were too many."""
        if len(self._steps) + len(steps) > STEPS_QUEUED_MAX:
            message = f"at most {STEPS_QUEUED_MAX} steps can be queued"
            raise ScriptError(message)
        self._steps.extend(steps)

    def clear(self) -> int:
        """Forget what is queued; how much that was."""
        dropped = len(self._steps)
        self._steps.clear()
        return dropped

    def take(self) -> ScriptStep:
        """The step for this completion."""
        return self._steps.popleft() if self._steps else PASS


def fill_in(value: JsonValue, prompt: Prompt) -> JsonValue:
    """`{"$list": "Groceries"}` and `{"$item": "milk"}` as the aliases of this prompt; ScriptError if absent."""
    if isinstance(value, list):
        return [fill_in(part, prompt) for part in value]
    if not isinstance(value, dict):
        return value
    scene = Scene(names=Names(prompt.lists))
    match value:
        case {"$list": str(name)}:
            alias = scene.list_alias(name)
            return alias or _absent("list", name)
        case {"$item": str(title)}:
            item = scene.item(title)
            return item.alias if item else _absent("item", title)
    return {key: fill_in(part, prompt) for key, part in value.items()}


def _absent(kind: str, name: str) -> str:
    message = f"the script names a {kind} that is not in the prompt's state: {name!r}"
    raise ScriptError(message)
