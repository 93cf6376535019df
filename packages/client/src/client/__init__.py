"""A client that connects as a browser does: socket, ICE, data channel. For the command line, tests and benches.

async with AgentClient.connect("http://localhost:5173") as client:
    turn = await client.ask("add milk to Groceries")

That is one connection, which ends when it is lost. A session outlives its connections:

async with AgentSession.open("http://localhost:5173") as session:
    turn = await session.ask("add milk to Groceries")
"""

from client.board import Lists
from client.channel import Path
from client.connection import AgentClient
from client.conversation import Lost, Opened, SessionEvent
from client.errors import ClientError, ConnectError, Missed, Rejected, TimedOut
from client.feed import Feed
from client.resuming import Resumption
from client.session import AgentSession

__all__ = [
    "AgentClient",
    "AgentSession",
    "ClientError",
    "ConnectError",
    "Feed",
    "Lists",
    "Lost",
    "Missed",
    "Opened",
    "Path",
    "Rejected",
    "Resumption",
    "SessionEvent",
    "TimedOut",
]
