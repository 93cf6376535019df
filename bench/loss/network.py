"""Two network namespaces with a cable between them that loses packets. Needs root, `ip` and `nft`."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

PAGE_ADDRESS: Final = "10.98.0.1"
GATEWAY_ADDRESS: Final = "10.98.0.2"
COMMAND_MAX_S: Final = 10.0


@dataclass(frozen=True)
class Cable:
    """The names of the namespaces at its ends."""

    page: str
    gateway: str

    async def lose(self, percent: int) -> None:
        """Of the UDP packets each way, from now on. Dropped as they arrive: a sender does not notice."""
        for end in (self.page, self.gateway):
            await _run("ip", "netns", "exec", end, "nft", "flush", "chain", "inet", "loss", "arriving")
            if percent:
                rule = f"meta l4proto udp numgen random mod 100 < {percent} drop"
                await _run("ip", "netns", "exec", end, "nft", "add", "rule", "inet", "loss", "arriving", *rule.split())


@asynccontextmanager
async def cable() -> AsyncIterator[Cable]:
    """A cable for the length of the block. Raises SystemExit where there can be none."""
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("ip", "nft")):
        raise SystemExit("this bench makes network namespaces: it needs root, ip (iproute2) and nft (nftables)")
    laid = Cable(page=f"loss-{os.getpid()}-p", gateway=f"loss-{os.getpid()}-g")
    try:
        for end in (laid.page, laid.gateway):
            await _run("ip", "netns", "add", end)
        await _run("ip", "link", "add", "lossp", "netns", laid.page, "type", "veth", "peer", "lossg", "netns",
                   laid.gateway)  # fmt: skip
        for end, device, address in ((laid.page, "lossp", PAGE_ADDRESS), (laid.gateway, "lossg", GATEWAY_ADDRESS)):
            await _run("ip", "-n", end, "address", "add", f"{address}/24", "dev", device)
            await _run("ip", "-n", end, "link", "set", device, "up")
            await _run("ip", "-n", end, "link", "set", "lo", "up")
            await _run("ip", "netns", "exec", end, "nft", "add", "table", "inet", "loss")
            await _run("ip", "netns", "exec", end, "nft", "add", "chain", "inet", "loss", "arriving",
                       "{ type filter hook input priority 0; }")  # fmt: skip
        yield laid
    finally:
        for end in (laid.page, laid.gateway):
            await _run("ip", "netns", "delete", end, check=False)


async def _run(*command: str, check: bool = True) -> None:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        _, told = await asyncio.wait_for(process.communicate(), COMMAND_MAX_S)
    except TimeoutError:
        process.kill()
        raise
    if check and process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {told.decode().strip()}")
