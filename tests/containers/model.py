"""The stand-in model on this machine, where LM Studio would be: containers reach it as host.docker.internal."""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from tests.containers.elsewhere import HOST
from tests.containers.engine import Engine
from tests.containers.machine import MachineError

from local_stack.death import bound_to_us

STOP_TIMEOUT_S: Final = 10.0


def heard_at(engine: Engine) -> str:
    """Where it must listen to be reached by containers. What Docker calls host-gateway is an address of its bridge."""
    return HOST if engine.is_podman else "0.0.0.0"  # noqa: S104


@contextlib.contextmanager
def running_model(address: str) -> Iterator[str]:
    """A model server for the length of the block; MODEL_URL for containers. Raises MachineError."""
    process = subprocess.Popen(
        [sys.executable, "-m", "standin", "--host", address, "--port", "0", "--parallel", "8"],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=bound_to_us(signal.SIGKILL),  # noqa: PLW1509 - what it does between fork and exec takes no lock
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        port = re.search(r":(\d+)\s*$", said)
        if port is None:
            raise MachineError(f"the stand-in model did not start: {said!r}")
        yield f"http://host.docker.internal:{port[1]}"
    finally:
        process.terminate()
        process.wait(timeout=STOP_TIMEOUT_S)
        process.stdout.close()
