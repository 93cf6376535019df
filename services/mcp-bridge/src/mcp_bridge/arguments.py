"""What the tools take: flat, every value a scalar, everything that may be left out with a plain default.

Language models fill these in. So a number may come as a string, null means that nothing was given, and an argument
that a tool does not have is refused by name: ignoring a misspelt `due_date` would lose the date in silence.
"""

from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from contracts.message import problem_of
from contracts.text import Notes, Title
from contracts.todo import Due

NONE: Final = "none"
"""Takes a due date or notes away."""
FIRST: Final = "first"
LAST: Final = "last"
ID_MAX_CHARS: Final = 100
KEY_MAX_CHARS: Final = 200
LIMIT_MAX: Final = 100
DUE: Final = "due"
DAY: Final = "day"
"""The types of pydantic's errors about dates."""

_DUE: Final[TypeAdapter[Due]] = TypeAdapter(Due)


def _due(text: object) -> object:
    if isinstance(text, str) and (text := text.strip()) not in {"", NONE}:
        try:
            _DUE.validate_python(text)
        except ValidationError as error:
            raise PydanticCustomError(
                DUE, "is no date; give a day as YYYY-MM-DD, or a moment with its offset as 2026-12-01T09:00:00+01:00"
            ) from error
    return text


def _day(text: object) -> object:
    if isinstance(text, str) and (text := text.strip()):
        try:
            date.fromisoformat(text)
        except ValueError as error:
            raise PydanticCustomError(DAY, "is no day; give one as YYYY-MM-DD") from error
    return text


def due_of(text: str) -> Due:
    """The due date that a checked argument says; None for none."""
    return None if text in {"", NONE} else _DUE.validate_python(text)


Id = Annotated[str, Field(min_length=1, max_length=ID_MAX_CHARS)]
DueText = Annotated[str, BeforeValidator(_due)]
DayText = Annotated[str, BeforeValidator(_day)]
Priority = Literal["none", "low", "medium", "high"]
Cursor = Annotated[str, Field(max_length=ID_MAX_CHARS, description="of the page before")]
Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX)]


class Arguments(BaseModel):
    """The arguments of one tool, checked."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True, str_strip_whitespace=True
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_given(cls, given: Any) -> Any:  # Any: what a model wrote
        return {name: value for name, value in given.items() if value is not None} if isinstance(given, dict) else given


class Change(Arguments):
    """What every tool that changes something takes besides."""

    idempotency_key: str = Field(default="", max_length=KEY_MAX_CHARS)
    expected_revision: int = Field(default=0, ge=0)


def _title(text: str) -> str:
    if not text:
        return ""
    try:
        return _TITLE.validate_python(text)
    except ValidationError as error:
        raise PydanticCustomError("title", "{detail}", {"detail": problem_of(error).detail}) from error


_TITLE: Final[TypeAdapter[str]] = TypeAdapter(Title)


class GetAllTodoLists(Arguments):
    list_id: str = Field(default="", max_length=ID_MAX_CHARS, description="show only this list")
    include_done: bool = False
    limit: Limit = 50
    cursor: Cursor = ""


class SearchTodoItems(Arguments):
    query: str = Field(default="", max_length=200, description="all of these words")
    due_before: DayText = Field(default="", description="YYYY-MM-DD")
    include_done: bool = False
    limit: Limit = 20
    cursor: Cursor = ""


class GetChanges(Arguments):
    since: int = Field(default=0, ge=0, description="after this revision; 0: the newest")
    limit: Limit = 20


class CreateTodoList(Change):
    name: Title


class RenameTodoList(Change):
    list_id: Id
    name: Title


class DeleteTodoList(Change):
    list_id: Id


class CreateTodoItem(Change):
    list_id: Id
    title: Title
    due: DueText = Field(default="", description="YYYY-MM-DD, or RFC 3339 with offset")
    priority: Priority = "none"
    notes: Notes = ""


class UpdateTodoItem(Change):
    item_id: Id
    title: Annotated[str, AfterValidator(_title)] = ""
    due: DueText = Field(default="", description="as for create_todo_item; 'none' removes it")
    priority: Literal["", "none", "low", "medium", "high"] = ""
    notes: Notes = Field(default="", description="'none' removes them")

    @model_validator(mode="after")
    def _says_something(self) -> "UpdateTodoItem":
        if not (self.title or self.due or self.priority or self.notes):
            raise PydanticCustomError("nothing", "changes nothing; give title, due, priority or notes")
        return self


class CompleteTodoItem(Change):
    item_id: Id
    done: bool = True


class MoveTodoItem(Change):
    item_id: Id
    list_id: Id
    position: str = Field(
        default=LAST,
        min_length=1,
        max_length=ID_MAX_CHARS,
        description="'first', 'last' or the id of the item to stand behind",
    )


class DeleteTodoItem(Change):
    item_id: Id


class UndoChange(Change):
    change_id: Id
