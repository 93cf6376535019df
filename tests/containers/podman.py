"""podman in Docker's place: its service with Docker's API, and what of compose.yml it cannot take as it is.

Its settings, images and volumes are ours alone (`machine`). So are its locks, which are in shared memory under one
name for all of a machine's: the service runs in a namespace of mounts with a /dev/shm of its own, and whatever else
uses this podman enters it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
from tests.containers import machine
from tests.containers.machine import CACHE, RUN, MachineError

SOCKET: Final = RUN / "podman.sock"
API: Final = "http://podman/v4.0.0/libpod"
START_TIMEOUT_S: Final = 20.0
COMMAND_TIMEOUT_S: Final = 120.0
ADDRESS_WAS_SET: Final = "3"  # NET_ADDR_SET of the kernel's if_link
EVERY_S: Final = 10.0
EVERY_WHILE_STARTING_S: Final = 1.0
IN_A_NAMESPACE: Final = (
    f"mount -t tmpfs -o mode=1777 tmpfs /dev/shm && exec podman system service --time=0 unix://{SOCKET}"
)


def overrides(config: Mapping[str, Any], host: str) -> str:
    """What is merged into compose.yml for podman 4, made of what `compose config` prints; `host` is our address.

    It refuses `start_interval`, as Docker does before 25. It does not know `host-gateway`. Where the root is read-only,
    it has a tmpfs of its own on /run, in which that of PostgreSQL would belong to root. And it lets one network into
    another unless told not to, which Docker does not.
    """
    lines = ["services:"]
    for name, service in config["services"].items():
        changes = []
        if "start_interval" in service.get("healthcheck", {}):
            changes += ["healthcheck: { start_interval: !reset null }"]
        if service.get("extra_hosts"):
            changes += [f"extra_hosts: !override [{json.dumps(f'host.docker.internal:{host}')}]"]
        if any(mount.startswith("/run/") for mount in service.get("tmpfs", ())):
            left = [mount for mount in service["tmpfs"] if not mount.startswith("/run/")]
            gone = [mount.partition(":")[0] for mount in service["tmpfs"] if mount not in left]
            changes += [f"tmpfs: !override {json.dumps(left)}", f"volumes: {json.dumps(gone)}"]
        if changes:
            lines += [f"  {name}:", *(f"    {change}" for change in changes)]
    lines += ["networks:"]
    lines += [f"  {name}: {{ driver_opts: {{ isolate: 'true' }} }}" for name in config["networks"]]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def running_service(environ: Mapping[str, str]) -> Iterator[int]:
    """podman's service for the length of the block, on SOCKET; its process id. Raises MachineError."""
    with machine.taken():
        yield from _served(environ)


def _served(environ: Mapping[str, str]) -> Iterator[int]:
    # As after a start of the machine: podman numbers its locks anew.
    shutil.rmtree(RUN, ignore_errors=True)
    RUN.mkdir(mode=0o700)
    log = CACHE / "logs" / "podman.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "slave", "sh", "-c", IN_A_NAMESPACE],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not _answers():
            if process.poll() is not None or time.monotonic() > until:
                raise MachineError(f"podman's service did not come up:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(RUN, ignore_errors=True)


class HealthChecks:
    """Asks every container that has a health check for its health: without systemd podman does not.

    On the way it has bridges keep their addresses.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health checks")
        self._due: dict[str, float] = {}

    def __enter__(self) -> "HealthChecks":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with _client() as client, ThreadPoolExecutor(4) as pool:
            while not self._stopping.wait(0.2):
                _keep_addresses()
                try:
                    running = {one["Id"] for one in client.get("/containers/json").json() or ()}
                except httpx.HTTPError:
                    continue  # the service is ending, or busy
                now = time.monotonic()
                self._due = {container: self._due.get(container, 0.0) for container in running}
                due = [container for container, at in self._due.items() if at <= now]
                for container, after in zip(due, pool.map(lambda each: _checked(client, each), due), strict=True):
                    self._due[container] = time.monotonic() + after


def _checked(client: httpx.Client, container: str) -> float:
    """Have it checked, and return in how many seconds it is to be again."""
    try:
        answer = client.get(f"/containers/{container}/healthcheck")
    except httpx.HTTPError:
        return EVERY_WHILE_STARTING_S
    if answer.status_code == 200 and answer.json()["Status"] == "healthy":
        return EVERY_S
    return EVERY_WHILE_STARTING_S  # 409: it has none, or does not run any more


def _keep_addresses() -> None:
    """Have each of our bridges keep its hardware address.

    Unless it was set, it is that of one of the containers, and another one when that container stops: the others go on
    sending to the old one for seconds. Docker sets it; netavark of Debian 12 does not.
    """
    for description in (CACHE / "networks").glob("*.json"):
        try:
            name = json.loads(description.read_text())["network_interface"]
            bridge = Path("/sys/class/net", name)
            if bridge.joinpath("addr_assign_type").read_text().strip() != ADDRESS_WAS_SET:
                address = bridge.joinpath("address").read_text().strip()
                subprocess.run(
                    ["ip", "link", "set", "dev", name, "address", address], check=False, capture_output=True, timeout=10
                )
        except (OSError, ValueError):
            continue  # it is being made or removed


def _client() -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(SOCKET)), base_url=API, timeout=30)


def _answers() -> bool:
    if not Path(SOCKET).exists():
        return False
    try:
        with _client() as client:
            return client.get("/_ping").status_code == 200
    except httpx.HTTPError:
        return False
