"""A client that connects as a browser does: socket, ICE, data channel. For the command line, tests and benches.

async with AgentClient.connect("http://localhost:5173") as client:
    turn = await client.ask("add milk to Groceries")
"""

from client.board import Lists
from client.channel import Path
from client.connection import AgentClient
from client.errors import ClientError, ConnectError, Missed, Rejected, TimedOut
from client.feed import Feed
from client.resuming import Resumption

__all__ = [
    "AgentClient",
    "ClientError",
    "ConnectError",
    "Feed",
    "Lists",
    "Missed",
    "Path",
    "Rejected",
    "Resumption",
    "TimedOut",
]
