"""A program to be run inside a namespace: connects with `packages/client`, asks once, prints one line of JSON.

`python -m bench.lab.python_client URL TEXT` prints {connect_ms, path, outcome, text}, or {code, detail}. `path` is the
types of both ends and the protocol to the TURN server; `connect_ms` counts from before the socket to signaling. Where
an access token is asked for, it is TODO_AGENT_TOKEN of the environment.
"""

import asyncio
import json
import os
import sys
import time
from typing import Any, Final

from client import AgentClient, ClientError, ConnectError

ASK_TIMEOUT_S: Final = 40.0


async def talk(url: str, text: str) -> dict[str, Any]:
    """Connect, ask, and say how it went."""
    began = time.perf_counter()
    try:
        async with AgentClient.connect(url, token=os.environ.get("TODO_AGENT_TOKEN")) as client:
            connect_ms = (time.perf_counter() - began) * 1000
            path = client.path
            completed = await client.ask(text, timeout=ASK_TIMEOUT_S)
            return {
                "connect_ms": connect_ms,
                "path": None if path is None else [path.local, path.remote, path.protocol],
                "outcome": completed.outcome.value,
                "text": completed.text,
            }
    except ConnectError as error:
        return {"code": error.code.value, "detail": error.detail}
    except ClientError as error:
        return {"code": type(error).__name__, "detail": str(error)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(talk(sys.argv[1], sys.argv[2]))) + "\n")
