"""Writes docs/protocol.md from `contracts`, or with --check says whether it is up to date.

The page is never edited by hand: the contracts are what services speak.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contracts import operations, permissions, signaling, streams, todo, turns
from contracts.catalogue import SECTIONS, Section
from contracts.message import ErrorCode

PAGE = Path(__file__).parent / "protocol.md"
SHARED: tuple[type[BaseModel], ...] = (
    turns.Receipt,
    turns.Timings,
    turns.ModelUse,
    turns.Candidate,
    todo.Diff,
    todo.RowChange,
    todo.ListView,
    todo.ItemView,
    todo.TodoList,
    todo.TodoItem,
    todo.JournalEntry,
    todo.Image,
    operations.CreateList,
    operations.RenameList,
    operations.DeleteList,
    operations.CreateItem,
    operations.UpdateItem,
    operations.CompleteItem,
    operations.MoveItem,
    operations.DeleteItem,
    operations.UndoChange,
    signaling.Seen,
    signaling.IceServer,
    signaling.IceCandidate,
    signaling.Limits,
)


def type_text(schema: dict[str, Any]) -> str:
    """A JSON Schema as a short type: `string`, `integer >= 1`, `TodoItem[]`, `string | null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(type_text(option) for option in schema[key]))
    if schema.get("type") == "array":
        return f"{type_text(schema.get('items', {}))}[]"
    text = str(schema.get("format") or schema.get("type", "any"))
    bounds = {"minimum": ">=", "maximum": "<=", "maxLength": "up to", "pattern": "like"}
    return " ".join([text, *(f"{sign} {schema[key]}" for key, sign in bounds.items() if key in schema)])


def field_lines(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    fields = schema.get("properties", {})
    if not fields:
        yield "No fields."
        return
    yield "| field | type | |"
    yield "|---|---|---|"
    for name, field in fields.items():
        notes = [str(field["description"])] if "description" in field else []
        default = field.get("default")
        if name not in required and "const" not in field and default and not isinstance(default, dict | list):
            notes.append(f"`{json.dumps(default)}` where absent")
        shown = name if name in required or "const" in field else f"{name}?"
        kind = type_text(field).replace("|", "\\|")
        yield f"| `{shown}` | {kind} | {'; '.join(note for note in notes if note)} |"


def model_lines(model: type[BaseModel]) -> Iterator[str]:
    wire_type = model.model_fields["type"].default if "type" in model.model_fields else None
    yield f"### {model.__name__}{f' `{wire_type}`' if wire_type else ''}"
    yield ""
    if model.__doc__ and model.__doc__ != BaseModel.__doc__:
        yield " ".join(model.__doc__.split())
        yield ""


def section_lines(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    yield section.about
    yield ""
    for entry in section.entries:
        yield from model_lines(entry.message)
        answered = f" Answered by {entry.answered_by}." if entry.answered_by else ""
        yield f"{entry.direction.capitalize()}: {entry.carried_by}.{answered}"
        yield ""
        yield from field_lines(entry.message)
        yield ""


def bus_lines() -> Iterator[str]:
    yield "## Streams"
    yield ""
    yield "| stream | subjects | a second message on a subject | age | bytes | republished |"
    yield "|---|---|---|---|---|---|"
    for stream in streams.STREAMS:
        second = "refused (10077)" if stream.refuses_repeats else "replaces the first"
        age = f"{stream.max_age_s:g} s" if stream.max_age_s else "any"
        told = f"`{stream.republish[0]}` as `{stream.republish[1]}`" if stream.republish else ""
        names = ", ".join(f"`{subject}`" for subject in stream.subjects)
        yield f"| {stream.name} | {names} | {second} | {age} | {stream.max_bytes} | {told} |"
    yield ""
    first, last = streams.CONSUMERS[0], streams.CONSUMERS[-1]
    yield (
        f"Consumers: {len(streams.CONSUMERS)} durables, `{first.name}` to `{last.name}`, one a partition of CHAT, "
        f"`max_ack_pending={first.max_ack_pending}`, a lease of {first.ack_wait_s:g} s."
    )
    yield ""
    yield "## Who may do what"
    yield ""
    yield "| user | publish | subscribe | replies a request |"
    yield "|---|---|---|---|"
    for user in permissions.USERS:
        publish = "<br>".join(f"`{subject}`" for subject in user.publish)
        subscribe = "<br>".join(f"`{subject}`" for subject in (*user.subscribe, f"{user.inbox_prefix}.>"))
        yield f"| {user.user} | {publish} | {subscribe} | {user.responses or ''} |"
    yield ""


def page() -> str:
    lines = [
        "# The protocol",
        "",
        "<!-- Generated from packages/contracts by docs/generate_protocol.py. Do not edit. -->",
        "",
        "Every message beside its wire form and where it travels. `?` marks a field that may be absent; readers ignore",
        "fields that they do not know. Times are RFC 3339, ids are opaque.",
        "",
    ]
    for section in SECTIONS:
        lines.extend(section_lines(section))
    lines += ["## Shared parts", ""]
    for model in SHARED:
        lines += [*model_lines(model), *field_lines(model), ""]
    lines += ["## Codes", "", f"Outcomes: {', '.join(f'`{outcome}`' for outcome in turns.Outcome)}.", ""]
    lines += [f"Error codes: {', '.join(f'`{code}`' for code in ErrorCode)}.", ""]
    lines.extend(bus_lines())
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/protocol.md does not match packages/contracts; run .venv/bin/python docs/generate_protocol.py")


if __name__ == "__main__":
    main()
