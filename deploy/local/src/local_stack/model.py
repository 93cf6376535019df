"""Which model server the agent gets: LM Studio where it answers with a model, else the stand-in."""

import json
from dataclasses import dataclass
from typing import Final

from contracts.model_status import name_to_record
from local_stack.http_get import get

LM_STUDIO: Final = "http://localhost:1234"
TIMEOUT_S: Final = 1.0


@dataclass(frozen=True)
class ModelChoice:
    """`url` None: the stand-in. `said` is the line for the terminal."""

    url: str | None
    said: str


async def choose(url: str | None, *, standin: bool) -> ModelChoice:
    """Choose by what was asked for and what answers, within TIMEOUT_S.

    A server that was named is kept even while it is away: the agent reports that, and it may come.
    """
    if standin:
        return ModelChoice(None, "model: the stand-in, as asked for")
    base = normalised(url or LM_STUDIO)
    name = await first_model(base)
    if name is not None:
        return ModelChoice(base, f"model: {name} at {base}")
    if url is not None:
        return ModelChoice(base, f"model: none answers at {base}; requests will fail until it does")
    return ModelChoice(None, f"model: the stand-in (LM Studio does not answer with a model at {base})")


def normalised(url: str) -> str:
    """The server's root: people also copy the address that ends in /v1."""
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


async def first_model(base: str) -> str | None:
    """The first name in the server's list of models, as a terminal and a log may show it; None without one in time."""
    try:
        answer = await get(f"{base}/v1/models", timeout=TIMEOUT_S)
        found = json.loads(answer.body) if answer.status == 200 else None
    except (OSError, TimeoutError, ValueError):
        return None
    models = found.get("data") if isinstance(found, dict) else None
    for model in models if isinstance(models, list) else ():
        name = model.get("id") if isinstance(model, dict) else None
        if isinstance(name, str) and name:
            return name_to_record(name)
    return None
