"""Writes src/connection/protocol.ts from the Python contracts: valibot schemas, TypeScript types, limits.

Without arguments it writes the file. With `--check` it writes nothing and exits 1 where the file differs from the
contracts. It says nothing about which messages the page understands: that is the page's own code.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from contracts import channel, frames, limits, signaling

TARGET: Final = Path(__file__).parent / "src" / "connection" / "protocol.ts"
UNIONS: Final[Mapping[str, tuple[TypeAdapter[Any], str]]] = {  # Any: four adapters of four unlike unions
    "FromPage": (channel.FROM_PAGE, "InferInput"),
    "FromGateway": (channel.FROM_GATEWAY, "InferOutput"),
    "FromClient": (signaling.FROM_CLIENT, "InferInput"),
    "FromServer": (signaling.FROM_SERVER, "InferOutput"),
}
CONSTANTS: Final[Mapping[str, int | float | str]] = {
    "PROTOCOL_VERSION": limits.PROTOCOL_VERSION,
    "CHANNEL_LABEL": limits.CHANNEL_LABEL,
    "CHANNEL_PROTOCOL": limits.CHANNEL_PROTOCOL,
    "FRAME_MAX_BYTES": limits.FRAME_MAX_BYTES,
    "PIECE_CHARS": frames.PIECE_CHARS,
    "OPEN_MESSAGES_MAX": frames.OPEN_MESSAGES_MAX,
    "MESSAGE_IN_MAX_BYTES": limits.MESSAGE_IN_MAX_BYTES,
    "MESSAGE_OUT_MAX_BYTES": limits.MESSAGE_OUT_MAX_BYTES,
    "SIGNALING_FRAME_MAX_BYTES": limits.SIGNALING_FRAME_MAX_BYTES,
    "CANDIDATES_MAX": limits.CANDIDATES_MAX,
    "CONNECT_TIMEOUT_S": limits.CONNECT_TIMEOUT_S,
    "REQUEST_MAX_BYTES": limits.REQUEST_MAX_BYTES,
    "LISTS_MAX": limits.LISTS_MAX,
    "TITLE_MAX_CHARS": limits.TITLE_MAX_CHARS,
    "NOTES_MAX_CHARS": limits.NOTES_MAX_CHARS,
}
HEADER: Final = """\
// Generated from packages/contracts by web/generate_protocol.py. Do not edit: run the script again.

import * as v from "valibot";
"""

Schema = dict[str, Any]  # JSON Schema: its keywords have no narrower common type


def type_name(key: str) -> str:
    """`TurnStart` stays; of two models with one name, `contracts__turns__Candidate` becomes `TurnsCandidate`."""
    parts = key.split("__")
    return parts[-1] if len(parts) == 1 else parts[-2].capitalize() + parts[-1]


def referenced(schema: object) -> Iterator[str]:
    """Every definition that a schema names."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rsplit("/", 1)[1]
        for keyword, value in schema.items():
            if keyword != "discriminator":
                yield from referenced(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from referenced(value)


def in_order(definitions: Mapping[str, Schema]) -> list[str]:
    """Definitions such that each comes after those it names; no two contracts name each other."""
    ordered: list[str] = []

    def visit(key: str) -> None:
        if key in ordered:
            return
        for other in referenced(definitions[key]):
            visit(other)
        ordered.append(key)

    for key in sorted(definitions):
        visit(key)
    return ordered


def piped(base: str, actions: list[str]) -> str:
    return f"v.pipe({', '.join([base, *actions])})" if actions else base


def string(schema: Schema) -> str:
    actions = []
    if "minLength" in schema:
        actions.append(f"v.minLength({schema['minLength']})")
    if "maxLength" in schema:
        actions.append(f"v.maxLength({schema['maxLength']})")
    if "pattern" in schema:
        actions.append(f"v.regex(/{schema['pattern']}/)")
    return piped("v.string()", actions)


def number(schema: Schema) -> str:
    actions = ["v.integer()"] if schema["type"] == "integer" else []
    if "minimum" in schema:
        actions.append(f"v.minValue({schema['minimum']:g})")
    if "maximum" in schema:
        actions.append(f"v.maxValue({schema['maximum']})")
    return piped("v.number()", actions)


def array(schema: Schema) -> str:
    actions = []
    if "minItems" in schema:
        actions.append(f"v.minLength({schema['minItems']})")
    if "maxItems" in schema:
        actions.append(f"v.maxLength({schema['maxItems']})")
    return piped(f"v.array({expression(schema['items'])})", actions)


def alternatives(schema: Schema) -> str:
    """`anyOf` and `oneOf`, without `null`, which `expression` adds."""
    options: list[Schema] = schema["anyOf"] if "anyOf" in schema else schema["oneOf"]
    options = [option for option in options if option.get("type") != "null"]
    written = list(dict.fromkeys(expression(option) for option in options))
    if len(written) == 1:
        return written[0]
    joined = ", ".join(written)
    if "discriminator" in schema:
        return f"v.variant({json.dumps(schema['discriminator']['propertyName'])}, [{joined}])"
    return f"v.union([{joined}])"


def simple(schema: Schema) -> str:
    """A schema that has a `type`."""
    writers = {
        "string": string,
        "integer": number,
        "number": number,
        "boolean": lambda _: "v.boolean()",
        "array": array,
        "object": fields,
    }
    kind = schema.get("type", "")
    if kind not in writers or schema.get("additionalProperties"):
        raise ValueError(f"no valibot form is known for JSON Schema type {kind!r}; teach it to this script")
    return writers[kind](schema)


def bare(schema: Schema) -> str:
    """A schema without its default."""
    if "$ref" in schema:
        return f"{type_name(schema['$ref'].rsplit('/', 1)[1])}Schema"
    if "const" in schema:
        return f"v.literal({json.dumps(schema['const'])})"
    if "enum" in schema:
        return f"v.picklist({json.dumps(schema['enum'])})"
    return alternatives(schema) if "anyOf" in schema or "oneOf" in schema else simple(schema)


def expression(schema: Schema) -> str:
    """A schema as valibot. A field that may be left out reads as its default; None is left out on the wire."""
    inner = bare(schema)
    nullable = any(option.get("type") == "null" for option in schema.get("anyOf", []))
    if "const" in schema or ("default" not in schema and not nullable):
        return inner
    if nullable:
        return f"v.nullish({inner}, {json.dumps(schema['default'])})" if "default" in schema else f"v.nullable({inner})"
    return f"v.optional({inner}, {json.dumps(schema['default'])})"


def fields(schema: Schema) -> str:
    lines = "".join(f"  {name}: {expression(field)},\n" for name, field in schema.get("properties", {}).items())
    return f"v.object({{\n{lines}}})"


def definition(key: str, schema: Schema) -> str:
    name = type_name(key)
    words = re.sub(r"\s*\n\s*", " ", schema.get("description", "")).replace("*/", "* /")
    comment = f"/** {words} */\n" if words else ""
    return (
        f"\n{comment}export const {name}Schema = {bare(schema)};\n"
        f"export type {name} = v.InferOutput<typeof {name}Schema>;\n"
    )


def protocol() -> str:
    """The whole file."""
    schemas, joint = TypeAdapter.json_schemas([(name, "validation", UNIONS[name][0]) for name in UNIONS])
    definitions: Mapping[str, Schema] = joint["$defs"]
    constants = "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in CONSTANTS.items())
    models = "".join(definition(key, definitions[key]) for key in in_order(definitions))
    unions = "".join(
        f"\nexport const {name}Schema = {bare(schemas[name, 'validation'])};\n"
        f"export type {name} = v.{UNIONS[name][1]}<typeof {name}Schema>;\n"
        for name in UNIONS
    )
    return f"{HEADER}\n{constants}{models}{unions}"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: generate_protocol.py [--check]\n")
        return 2
    written = protocol()
    if not arguments:
        TARGET.write_text(written, encoding="utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == written:
        return 0
    sys.stderr.write("src/connection/protocol.ts differs from packages/contracts: run web/generate_protocol.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
