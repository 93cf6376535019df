"""The README's figures of containers: how large images are, and how long the first start takes.

`python -m tests.containers.figures` prints them; `--readme` puts them into the README too. As root, after
`python -m tests.containers.machine`.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx
from bench.figures import grid
from tests.containers import images
from tests.containers.elsewhere import HOST, another_machine
from tests.containers.engine import Engine, running_engine
from tests.containers.machine import ROOT
from tests.containers.model import heard_at, running_model
from tests.containers.project import PAGE, running_project
from tests.containers.talking import DONE, said

README: Final = ROOT / "README.md"
BEGIN, END = "<!-- containers -->", "<!-- /containers -->"
STARTS: Final = 5
MB: Final = 1_000_000
LIMITS_MB: Final[Mapping[str, int]] = {
    "rtc-gateway": 350,
    "agent": 250,
    "mcp-bridge": 250,
    "provision": 250,
    "signaling": 250,
    "todo-store": 250,
}
"""Of the Python images; the page's is nginx' and a megabyte."""


def sizes(engine: Engine, config: Mapping[str, Any]) -> dict[str, float]:
    """Megabytes of each image of ours as it lies on disk, with its base, by the image's name."""
    found = {}
    for image in sorted(images.ours(config)):
        name = images.full(image) if engine.is_podman else image
        size = json.loads(engine.run("image", "inspect", name))[0]["Size"]
        found[image.partition("/")[2].partition(":")[0]] = size / MB
    return found


async def cold_start(engine: Engine, model_url: str) -> tuple[float, float]:
    """From nothing but images: seconds until the page is served, and until a person's first request is answered."""
    with running_project(engine, {"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url}, HOST) as project:
        began = time.monotonic()
        starting = asyncio.create_task(asyncio.to_thread(project.up))
        async with httpx.AsyncClient() as client:
            while not await _is_served(client):  # noqa: ASYNC110 - there is nobody to tell us
                await asyncio.sleep(0.05)
        served = time.monotonic() - began
        outcome, _ = await said("create a list called Groceries")
        answered = time.monotonic() - began
        await starting
    if outcome is not DONE:
        raise SystemExit(f"the first request ended {outcome}")
    return served, answered


async def _is_served(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get(PAGE)).status_code == 200
    except httpx.HTTPError:
        return False


def table(found: Mapping[str, float], starts: list[tuple[float, float]], engine: Engine) -> str:
    """Both as Markdown."""
    rows = [(name, f"{size:.0f}", str(LIMITS_MB[name]) if name in LIMITS_MB else "") for name, size in found.items()]
    on = f"{os.cpu_count()} cores, {'podman' if engine.is_podman else 'Docker'}"
    if engine.is_podman and not images.registry_answers():
        on += ", stand-ins for other people's images"
    served, answered = (statistics.median(column) for column in zip(*starts, strict=True))
    return "\n".join(
        (
            grid("Images", ("MB", "size", "at most"), rows),
            "",
            f"**First start** of the project, images built, volumes empty, {len(starts)} times: {served:.1f} s until "
            f"the page is served, {answered:.1f} s until the first request is answered "
            f"(longest {max(two for _, two in starts):.1f} s). On {on}.",
        )
    )


async def measured() -> str:
    """The figures. Raises MachineError."""
    with running_engine() as engine, another_machine(), running_model(heard_at(engine)) as model_url:
        config = json.loads(engine.compose("config", "--format", "json"))
        engine.make_images(config)
        starts = [await cold_start(engine, model_url) for _ in range(STARTS)]
        return table(sizes(engine, config), starts, engine)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.containers.figures", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--readme", action="store_true", help="put the figures into the README")
    readme = parser.parse_args().readme
    figures = asyncio.run(measured())
    print(figures)  # noqa: T201
    if readme:
        before, rest = README.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        README.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
