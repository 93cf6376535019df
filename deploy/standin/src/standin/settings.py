"""What the command line says, as one frozen value."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from standin.lmstudio import MAX_CONTEXT
from standin.server import PARALLEL


@dataclass(frozen=True, slots=True)
class Settings:
    """`port` 0 takes a free one; it is named in the line printed at the start."""

    host: str
    port: int
    script: Path | None
    delay_ms: int
    scriptable: bool
    context_length: int
    parallel: int


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """From the command line; exits with status 2 and the usage when it is wrong."""
    parser = argparse.ArgumentParser(
        prog="standin", description="A stand-in for LM Studio that plans plain English by rules, not by a model."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_within(0, 65_535), default=1235, help="0: a free one (default: 1235)")
    parser.add_argument("--script", type=Path, metavar="FILE", help="a JSON list of script steps to answer with first")
    parser.add_argument("--delay-ms", type=_within(0, 600_000), default=0, help="wait before each answer")
    parser.add_argument("--scriptable", action="store_true", help="open /__standin__ for tests; anyone can script it")
    parser.add_argument("--context-length", type=_within(256, 1_000_000), default=MAX_CONTEXT, help="in tokens")
    parser.add_argument("--parallel", type=_within(1, 64), default=PARALLEL, help="completions at once")
    return Settings(**vars(parser.parse_args(arguments)))


def _within(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            message = f"{value} is not between {low} and {high}"
            raise argparse.ArgumentTypeError(message)
        return value

    return number
