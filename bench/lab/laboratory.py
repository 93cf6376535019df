"""Everything together, started once: the ground is the network with coturn, and the lab has stack and browser on it.

A way is set up before each try.
"""

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from bench.lab import rules
from bench.lab.certificate import Certificate, issue
from bench.lab.chromium import chromium_in
from bench.lab.coturn import Coturn, Secrets, running_coturn
from bench.lab.namespace import LabError
from bench.lab.network import Network, running_network
from bench.lab.servers import stack_in
from local_stack.directory import DataDirectory
from local_stack.temporary import RunningStack, temporary_directory

PYTHON_CLIENT_TIMEOUT_S: Final = 120.0
ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ground:
    """The network with a TURN server in it, a directory that the stack may use, and one for what is not the stack's."""

    network: Network
    shared: Secrets
    certificate: Certificate
    turn: Coturn
    directory: DataDirectory
    files: Path


@dataclass(frozen=True)
class Lab:
    """What stands. `browser` runs on the client's machine, the stack on the server's."""

    ground: Ground
    stack: RunningStack
    browser: Browser

    @property
    def network(self) -> Network:
        return self.ground.network

    async def python_client(self, text: str, *, url: str | None = None) -> dict[str, Any]:
        """Ask by the Python client on the client's machine; see `bench.lab.python_client` for what comes back.

        `took_s` is added: how long the whole program ran.
        """
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *self.network.client.command(sys.executable, "-m", "bench.lab.python_client", url or self.stack.url, text),
            cwd=ROOT,
            env={**os.environ, "SSL_CERT_FILE": str(self.ground.certificate.authority)},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            said, complaints = await asyncio.wait_for(process.communicate(), PYTHON_CLIENT_TIMEOUT_S)
        except BaseException:
            process.kill()
            await process.communicate()
            raise
        if process.returncode != 0:
            raise LabError(f"the client ended with {process.returncode}:\n{complaints.decode()[-2000:]}")
        return {**json.loads(said), "took_s": time.monotonic() - began}


@asynccontextmanager
async def running_ground() -> AsyncIterator[Ground]:
    """The network and coturn for the length of the block. Raises LabError."""
    with running_network() as network, temporary_directory() as directory:
        ground_files = directory.path / "ground"
        ground_files.mkdir(mode=0o700)
        shared, certificate = Secrets(), issue(ground_files, rules.TURN_PUBLIC)
        async with running_coturn(network.turn, ground_files, shared, certificate) as turn:
            yield Ground(network, shared, certificate, turn, directory, ground_files)


@asynccontextmanager
async def running_lab(ground: Ground) -> AsyncIterator[Lab]:
    """Stack and browser for the length of the block. Raises LabError or StackError where one does not come up."""
    async with (
        stack_in(ground.network, ground.directory, ground.shared) as stack,
        chromium_in(ground.network.client, ground.files, ground.certificate) as browser,
    ):
        yield Lab(ground, stack, browser)
