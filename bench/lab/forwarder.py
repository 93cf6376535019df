"""TCP from one namespace into another by this process: how a page and signaling are reached without the network.

So the server keeps listening on loopback, and a page that came from `localhost` stays one, whatever the network between
client and gateway does to everything else.
"""

import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.lab.namespace import Namespace
from local_stack.ports import LOOPBACK

CHUNK_BYTES: Final = 64 * 1024


@asynccontextmanager
async def forwarded(listening: Namespace, serving: Namespace, port: int) -> AsyncIterator[None]:
    """While the block lasts, 127.0.0.1:`port` of `listening` is that of `serving`."""
    carried: set[asyncio.Task[None]] = set()

    async def carry(client: StreamReader, to_client: StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            carried.add(task)
            task.add_done_callback(carried.discard)
        try:
            sock = _prompt(serving.socket(socket.SOCK_STREAM))
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, (LOOPBACK, port))
            server, to_server = await asyncio.open_connection(sock=sock)
            with contextlib.closing(to_server):
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(client, to_server))
                    group.create_task(_copy(server, to_client))
        except* OSError:
            pass  # either side has gone, and so do we
        finally:
            to_client.close()

    door = _prompt(listening.socket(socket.SOCK_STREAM))
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((LOOPBACK, port))
    server = await asyncio.start_server(carry, sock=door)
    try:
        yield
    finally:
        server.close()
        for task in tuple(carried):
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)


def _prompt(sock: socket.socket) -> socket.socket:
    """Small messages leave at once. What is accepted inherits it; asyncio would leave out sockets made like ours."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
