"""JSON Schema of a tool's arguments, as short as it can be: every client sends it to its model with every request.

Pydantic's own has titles, and bounds that a model makes nothing of; what they forbid is told when it happens.
"""

from typing import Any, Final, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from mcp_bridge.arguments import Arguments

_TYPES: Final[dict[object, str]] = {str: "string", int: "integer", bool: "boolean"}


def schema_of(arguments: type[Arguments]) -> dict[str, Any]:
    """An object of scalars. Fields in the model's order, those of every change behind those of this one."""
    own = sorted(arguments.model_fields.items(), key=lambda field: _of_every_change(arguments, field[0]))
    required = [name for name, field in own if field.is_required()]
    return {
        "type": "object",
        "properties": {name: _property(field) for name, field in own},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _of_every_change(arguments: type[Arguments], name: str) -> bool:
    return name not in arguments.__annotations__


def _property(field: FieldInfo) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    if get_origin(field.annotation) is Literal:
        shape = {"type": "string", "enum": [value for value in get_args(field.annotation) if value]}
    else:
        shape = {"type": _TYPES[field.annotation]}
    if field.description:
        shape["description"] = field.description
    if not field.is_required() and field.default not in {"", 0}:
        shape["default"] = field.default
    return shape
