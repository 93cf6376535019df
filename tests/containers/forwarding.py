"""`kubectl port-forward`: TCP from a port of one network namespace to the loopback of another."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from bench.lab.namespace import Namespace

LOOPBACK = "127.0.0.1"
CHUNK = 64 * 1024


@contextlib.asynccontextmanager
async def forwarded(here: Namespace, port: int, there: Namespace, target: int) -> AsyncIterator[None]:
    """For the length of the block."""
    tasks: set[asyncio.Task[None]] = set()

    def listening() -> socket.socket:
        return socket.create_server((LOOPBACK, port))

    def connecting() -> socket.socket:
        return socket.create_connection((LOOPBACK, target), timeout=5)

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            made = await asyncio.to_thread(there.inside, connecting)
            made.setblocking(False)
            other_reader, other_writer = await asyncio.open_connection(sock=made)
        except OSError:
            writer.close()
            return
        try:
            await asyncio.gather(_copied(reader, other_writer), _copied(other_reader, writer))
        finally:
            writer.close()
            other_writer.close()

    def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(taken(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(keep, sock=here.inside(listening))
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
