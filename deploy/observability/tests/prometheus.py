"""A real Prometheus for the length of a block, which scrapes every second what files name, and is asked by HTTP."""

import asyncio
import math
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from deploy.observability.tests.programs import tool

from local_stack.ports import LOOPBACK, free_port

SCRAPE_EVERY_S = 1
BOUND_S = 30.0


@dataclass(frozen=True)
class Prometheus:
    """One that serves."""

    http: httpx.AsyncClient

    async def values(self, expr: str) -> list[float]:
        """What a query gives now, without those that are no numbers. Raises AssertionError with its error."""
        data = await self._asked("/api/v1/query", query=expr)
        samples = [data["result"]] if data["resultType"] == "scalar" else [one["value"] for one in data["result"]]
        return [value for _, text in samples if not math.isnan(value := float(text))]

    async def rules(self) -> list[dict[str, Any]]:
        """Each rule with its state and its last error."""
        data = await self._asked("/api/v1/rules")
        return [rule for group in data["groups"] for rule in group["rules"]]

    async def health(self) -> dict[str, str]:
        """Of each target, by its instance: up, down or unknown."""
        data = await self._asked("/api/v1/targets")
        return {target["labels"]["instance"]: target["health"] for target in data["activeTargets"]}

    async def _asked(self, path: str, **query: str) -> Any:
        answer = (await self.http.get(path, params=query)).json()
        assert answer["status"] == "success", f"{query}: {answer.get('error')}"
        return answer["data"]


@asynccontextmanager
async def running_prometheus(folder: Path, rules: Path, files: Sequence[Path]) -> AsyncIterator[Prometheus]:
    """With targets from `files`, as `file_sd_configs` has them. It keeps its data and its log in `folder`."""
    configuration = {
        "global": {"scrape_interval": f"{SCRAPE_EVERY_S}s", "evaluation_interval": f"{SCRAPE_EVERY_S}s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "stack", "file_sd_configs": [{"files": [str(file) for file in files]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    port = free_port()
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            tool("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{port}",
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}", trust_env=False, timeout=BOUND_S) as http:
            await _until_ready(http, process, folder / "prometheus.log")
            yield Prometheus(http)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), BOUND_S)


async def _until_ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(BOUND_S):
        while True:
            assert process.returncode is None, log.read_text()[-2000:]
            try:
                if (await http.get("/-/ready")).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # it does not listen yet
            await asyncio.sleep(0.05)
