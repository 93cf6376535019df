"""The project as Compose itself reads it: merged, interpolated, in the long form. What the rules are functions of."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / ".tools/bin/compose"
TIMEOUT_S: Final = 30
ALL_PROFILES: Final = ("observability",)

Node = dict[str, Any]
"""A mapping of the JSON that Compose prints. Its values are of as many kinds as the Compose specification has."""
Complaints = Iterator[str]
"""One line each: which service, what is wrong, what it has to be."""


class NotAProjectError(Exception):
    """Compose does not take the files, or takes them with a warning."""


def rendered(
    files: Sequence[str] = ("compose.yml",),
    variables: Mapping[str, str] | None = None,
    profiles: Sequence[str] = ALL_PROFILES,
) -> Node:
    """`compose config` of `files` with nothing but `variables` in its environment: not this machine's, and no .env.

    Raises NotAProjectError with Compose's own words where it complains, and where it only warns.
    """
    project: Node = json.loads(_printed(tuple(files), tuple((variables or {}).items()), tuple(profiles)))
    return project


@cache
def _printed(files: Sequence[str], variables: Sequence[tuple[str, str]], profiles: Sequence[str]) -> str:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [str(COMPOSE), "--env-file", os.devnull]
    for file in files:
        command += ["--file", file]
    for profile in profiles:
        command += ["--profile", profile]
    done = subprocess.run(  # noqa: S603 - our own words
        [*command, "config", "--format", "json"],
        cwd=ROOT,
        env={**environment, **dict(variables)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0 or done.stderr:
        raise NotAProjectError(done.stderr)
    return done.stdout


def services(project: Node) -> Iterator[tuple[str, Node]]:
    yield from project["services"].items()


def networks_of(service: Node) -> set[str]:
    return set(service.get("networks") or ())


def environment_of(service: Node) -> dict[str, str]:
    """Every variable; one that is passed on unset counts as empty."""
    return {name: "" if value is None else str(value) for name, value in (service.get("environment") or {}).items()}


def seconds(duration: str | None) -> float:
    """Of a duration as Compose prints them, `1m30s`; 0 for none."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    total, number = 0.0, ""
    for character in duration or "":
        if character in units:
            total += float(number) * units[character]
            number = ""
        else:
            number += character
    return total
