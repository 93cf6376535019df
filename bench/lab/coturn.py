"""The real coturn, with the configuration that is shipped, filled by the program that is shipped."""

import asyncio
import os
import secrets
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.lab import rules
from bench.lab.certificate import Certificate
from bench.lab.namespace import LabError, Namespace, run
from local_stack.death import bound_to_us

FILL: Final = Path(__file__).parents[2] / "deploy" / "coturn" / "fill.py"
PROGRAM: Final = os.environ.get("TURNSERVER", "turnserver")
"""Another version than the installed one may be tried."""
REALM: Final = "todo.example"
START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 10.0
ASK_EVERY_S: Final = 0.1
BINDING: Final = bytes.fromhex("000100002112a442") + bytes(12)
"""A STUN Binding request (RFC 8489 section 5)."""


@dataclass(frozen=True)
class Secrets:
    """What signaling and coturn share, and what they shared before."""

    now: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    before: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class Coturn:
    """One that runs in a namespace, at an address of it. `log` is what it writes."""

    def __init__(self, namespace: Namespace, address: str, configuration: Path) -> None:
        self._namespace = namespace
        self._address = address
        self._configuration = configuration
        self.log = configuration.with_suffix(".log")
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise LabError("coturn does not run")
        return self._process.pid

    async def start(self) -> None:
        """Start, and wait until it answers. Raises LabError with the end of its log."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._namespace.command(PROGRAM, "-c", str(self._configuration)),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=bound_to_us(signal.SIGKILL),
            )
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._answers()
        except TimeoutError as error:
            await self.stop()
            raise LabError(f"coturn did not come up:\n{self.log.read_text(errors='replace')[-2000:]}") from error

    async def stop(self) -> None:
        """Kill it, as its machine's failure would."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)

    async def _answers(self) -> None:
        """A STUN client that sends its request again until there is an answer."""
        loop = asyncio.get_running_loop()
        with self._namespace.socket(socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.bind((self._address, 0))
            while True:
                await loop.sock_sendto(asking, BINDING, (self._address, rules.STUN_PORT))
                try:
                    async with asyncio.timeout(ASK_EVERY_S):
                        await loop.sock_recv(asking, 1500)
                        break
                except TimeoutError:
                    continue


@asynccontextmanager
async def running_coturn(
    namespace: Namespace,
    directory: Path,
    shared: Secrets,
    certificate: Certificate,
    *,
    address: str = rules.TURN_PRIVATE,
    gateways: str = rules.GATEWAY_NETWORK,
) -> AsyncIterator[Coturn]:
    """coturn for the length of the block, its files in `directory`. Raises LabError."""
    configuration = directory / f"{address}.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(_filled(shared, certificate, address, gateways))
    server = Coturn(namespace, address, configuration)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _filled(shared: Secrets, certificate: Certificate, address: str, gateways: str) -> str:
    """The shipped configuration with the laboratory's values."""
    values = {
        "TURN_IP": address,
        "TURN_REALM": REALM,
        "TURN_SECRET": shared.now,
        "TURN_SECRET_BEFORE": shared.before,
        "GATEWAY_NETWORK": gateways,
        "TURN_CERT": str(certificate.chain),
        "TURN_KEY": str(certificate.key),
    }
    return run(sys.executable, str(FILL), environ=values)
