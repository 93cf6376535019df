"""Production's three NATS servers, real ones, with the configurations that their pods' own init containers would write.

Only the addresses differ: here all three are on the loopback.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import nats
import pytest
from policy.k8s.objects import Node, Objects, named
from policy.k8s.rendering import objects_of

from contracts.permissions import TOPOLOGY, USERS
from contracts.streams import STREAMS
from provision.cluster.making import SOURCES

SERVER = Path(sys.executable).with_name("nats-server")
PATIENCE_S = 30.0
PID_FILE = "/tmp/nats.pid"  # noqa: S108 - in the pod, where nobody else has a /tmp of it
GRACE_S = 2.0
"""`lame_duck_grace_period`: that long a server that is told to go still waits before it does."""


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for key in SOURCES["nats"]:
        (folder / key).write_text(f"password-of-{key}")
    return folder


def pod(objects: Objects, kind: str, name: str) -> Node:
    found = named(objects, kind, name)
    assert found is not None
    spec: Node = found["spec"]["template"]["spec"]
    return spec


def words(container: Node, member: str) -> list[str]:
    return [word.replace("$(POD_NAME)", member) for word in container["args"]]


def free_ports(count: int) -> list[int]:
    """Of the same moment, so that none is given twice."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


class Member:
    """One server: as its pod would have it, on ports of its own."""

    def __init__(self, name: str, home: Path, ports: tuple[int, int, int]) -> None:
        self.name, self.home = name, home
        self.clients, self.members, self.monitoring = ports
        self.pid_file = home / "nats.pid"

    def write(self, container: Node, secrets: Path, routes: dict[str, int]) -> None:
        """What the init container writes, and then the addresses that it has here."""
        self.home.mkdir()
        target = self.home / "nats.conf"
        arguments = words(container, self.name)
        arguments[arguments.index("--into") + 1] = str(target)
        command = [sys.executable, *container["command"][1:], *arguments, "--store", str(self.home / "js")]
        subprocess.run(command, env={"SECRETS_DIR": str(secrets)}, check=True, timeout=60)
        written: dict[str, Any] = json.loads(target.read_text())
        assert (written["listen"], written["http"]) == ("0.0.0.0:4222", "0.0.0.0:8222")
        assert written["cluster"]["listen"] == "0.0.0.0:6222"
        written |= {"listen": f"127.0.0.1:{self.clients}", "http": f"127.0.0.1:{self.monitoring}"}
        written["cluster"]["listen"] = f"127.0.0.1:{self.members}"
        written["cluster"]["routes"] = [
            route.replace(place, f"127.0.0.1:{port}")
            for route in written["cluster"]["routes"]
            for place, port in routes.items()
            if route.endswith(f"@{place}")
        ]
        target.write_text(json.dumps(written))

    @contextmanager
    def running(self, container: Node) -> Iterator[subprocess.Popen[bytes]]:
        arguments = [word.replace(PID_FILE, str(self.pid_file)) for word in container["args"]]
        arguments[arguments.index("--config") + 1] = str(self.home / "nats.conf")
        with (self.home / "log").open("w") as log, subprocess.Popen([str(SERVER), *arguments], stderr=log) as process:
            try:
                yield process
            finally:
                process.kill()

    def said(self) -> str:
        return (self.home / "log").read_text()

    async def monitored(self, path: str) -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{self.monitoring}{path}")).json()


async def until(what: str, holds: Any) -> None:
    """Ask again and again, in a short while each, until it holds; bounded."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if await holds():
                    return
            except (httpx.HTTPError, nats.errors.Error, OSError):
                pass
            await asyncio.sleep(0.05)
    raise AssertionError(what)


@asynccontextmanager
async def cluster(
    home: Path, secrets: Path
) -> AsyncIterator[tuple[list[Member], list[subprocess.Popen[bytes]], Node, dict[str, int]]]:
    objects = objects_of("production")
    found = named(objects, "StatefulSet", "nats")
    assert found is not None
    names = [f"nats-{number}" for number in range(found["spec"]["replicas"])]
    ports = free_ports(3 * len(names))
    members = [Member(name, home / name, tuple(ports[3 * at : 3 * at + 3])) for at, name in enumerate(names)]  # type: ignore[arg-type]
    routes = {f"{one.name}.nats-servers:6222": one.members for one in members}
    spec = pod(objects, "StatefulSet", "nats")
    main = next(one for one in spec["containers"] if one["name"] == "nats")
    async with AsyncExitStack() as stack:
        processes = []
        for one in members:
            one.write(spec["initContainers"][0], secrets, routes)
            processes.append(stack.enter_context(one.running(main)))
        for one in members:
            await until("a server has a route to each other", lambda one=one: has_routes(one, len(members) - 1))
        yield members, processes, main, routes


async def has_routes(member: Member, count: int) -> bool:
    routes = (await member.monitored("/routez"))["routes"]
    return len({route["remote_name"] for route in routes}) == count


async def test_three_servers_find_each_other_and_have_each_stream_three_times(tmp_path: Path, secrets: Path) -> None:
    async with cluster(tmp_path, secrets) as (members, _, _, _):
        step = next(
            one
            for one in pod(objects_of("production"), "Deployment", "agent")["initContainers"]
            if one["name"] == "topology"
        )
        (secrets / "nats_password").write_text("password-of-topology")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "provision", *step["args"],
            env={"SECRETS_DIR": str(secrets), "NATS_URL": f"nats://127.0.0.1:{members[0].clients}"},
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0
        assert all(stream.name in said.decode() for stream in STREAMS)
        client = await nats.connect(
            f"nats://127.0.0.1:{members[2].clients}",
            user=TOPOLOGY.user,
            password="password-of-topology",
            inbox_prefix=TOPOLOGY.inbox_prefix,
        )
        try:
            for stream in STREAMS:
                told = json.loads((await client.request(f"$JS.API.STREAM.INFO.{stream.name}", b"", timeout=10)).data)
                assert told["config"]["num_replicas"] == 3
                assert {one["name"] for one in told["cluster"]["replicas"]} | {told["cluster"]["leader"]} == {
                    one.name for one in members
                }
        finally:
            await client.close()


async def test_whoever_does_not_know_the_members_password_is_no_member(tmp_path: Path, secrets: Path) -> None:
    async with cluster(tmp_path, secrets) as (members, _, main, routes):
        foreign = tmp_path / "foreign"
        foreign.mkdir()
        for key in SOURCES["nats"]:
            (foreign / key).write_text(f"another-of-{key}")
        intruder = Member("nats-3", tmp_path / "nats-3", tuple(free_ports(3)))  # type: ignore[arg-type]
        intruder.write(pod(objects_of("production"), "StatefulSet", "nats")["initContainers"][0], foreign, routes)

        async def refused() -> bool:
            return any("authentication error" in one.said() for one in members)

        with intruder.running(main):
            await until("a member refuses it", refused)
            for one in members:
                assert await has_routes(one, 2)


async def test_a_server_that_goes_hands_its_clients_over_and_a_sigterm_does_not_cut_that_short(
    tmp_path: Path, secrets: Path
) -> None:
    async with cluster(tmp_path, secrets) as (members, processes, main, _):
        user = next(one for one in USERS if one.user == "mcp-bridge")
        moved = asyncio.Event()

        async def back() -> None:
            moved.set()

        client = await nats.connect(
            f"nats://127.0.0.1:{members[0].clients}",
            user=user.user,
            password=f"password-of-{user.user}",
            reconnected_cb=back,
            reconnect_time_wait=0.05,
        )
        try:
            command = main["lifecycle"]["preStop"]["exec"]["command"]
            assert command[0] == "nats-server"
            arguments = [word.replace(PID_FILE, str(members[0].pid_file)) for word in command[1:]]
            telling = await asyncio.create_subprocess_exec(str(SERVER), *arguments)
            assert await asyncio.wait_for(telling.wait(), PATIENCE_S) == 0
            told_at = time.monotonic()

            async def going() -> bool:
                return "lame duck mode" in members[0].said()

            await until("it takes the word", going)
            os.kill(processes[0].pid, signal.SIGTERM)
            await asyncio.wait_for(moved.wait(), PATIENCE_S)
            assert client.connected_url is not None
            assert client.connected_url.port != members[0].clients
            await asyncio.wait_for(asyncio.to_thread(processes[0].wait), PATIENCE_S + 10)
            assert time.monotonic() - told_at >= GRACE_S
        finally:
            await client.close()
