"""The steps of a plan as the prompt's tool describes them, as plain JSON objects."""

from collections.abc import Mapping
from typing import Final, TypeAlias

Step: TypeAlias = Mapping[str, str]
Steps: TypeAlias = tuple[Step, ...]

MAX_STEPS: Final = 50
"""The tool's `maxItems`; a grammar would hold a model to it."""

ABOUT: Final = "I am the stand-in for a language model and follow fixed rules."
NOT_UNDERSTOOD: Final = (
    f"{ABOUT} I did not understand that. Try for example: create a list called Groceries; "
    "add milk and eggs to Groceries; mark milk as done; what is on Groceries?"
)
NAME_WANTED: Final = (
    f"{ABOUT} What should the list be called? Say for example: create a list called Groceries. Nothing is planned."
)
LEFT_ALONE: Final = f"{ABOUT} That says what not to do, so I leave everything as it is."
TOO_MANY: Final = f"{ABOUT} That is more than {MAX_STEPS} steps; please ask for less at once."
NOTHING_THERE: Final = f"{ABOUT} There is nothing there to change."


def step(op: str, **fields: str) -> Step:
    """One step, with the fields that `op` wants."""
    return {"op": op, **fields}


def say(text: str) -> Steps:
    """Free prose, alone."""
    return (step("say", text=text),)
