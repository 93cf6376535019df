"""A stand-in whose answers are held back for as long as a test wants."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

BOUND_S = 30.0
FOR_EVER_S = 600


@dataclass
class HeldModel:
    """Each `hold` holds one more answer back, in the order in which they are asked for."""

    http: httpx.AsyncClient
    _asked: int = 0

    @property
    def url(self) -> str:
        return str(self.http.base_url)

    async def hold(self) -> None:
        await self.http.post("/__standin__/script", json=[{"fault": "hang", "seconds": FOR_EVER_S}])
        self._asked = (await self.http.get("/__standin__/requests")).json()["seen"]

    async def until_asked(self) -> None:
        """Until an answer is being held back."""
        query = {"at_least": self._asked + 1, "timeout": BOUND_S}
        found = (await self.http.get("/__standin__/requests", params=query)).json()
        assert found["reached"], "the model was not asked"

    async def release(self) -> None:
        """Answer what is held back."""
        await self.http.post("/__standin__/release")


@asynccontextmanager
async def held_model() -> AsyncIterator[HeldModel]:
    """A process of its own, on a free port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "standin", "--port", "0", "--scriptable"), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), BOUND_S)).decode()
        async with httpx.AsyncClient(base_url=line.split()[-1], timeout=BOUND_S * 2) as http:
            yield HeldModel(http)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), BOUND_S)
