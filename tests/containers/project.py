"""A project of compose.yml under a name of its own: up, down, and everything that is asked of its containers."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.containers.engine import Engine, EngineError
from tests.containers.machine import CACHE, COMPOSE, ROOT

UP_TIMEOUT_S: Final = 300.0
DOWN_TIMEOUT_S: Final = 180.0
HEALTHY_TIMEOUT_S: Final = 120.0
POLL_S: Final = 0.2
LABEL: Final = "com.docker.compose"
STEPS: Final = frozenset({"secrets", "migrate", "topology"})
"""One-shots: they are done when all others run."""
PAGE: Final = "http://localhost:5173"
TLS_PORT: Final = 5443
TURN_PORT: Final = 3478


@dataclass(frozen=True)
class Container:
    """One, as the engine describes it."""

    description: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.description["Id"])

    @property
    def service(self) -> str:
        return str(self.description["Config"]["Labels"][f"{LABEL}.service"])

    @property
    def number(self) -> int:
        return int(self.description["Config"]["Labels"][f"{LABEL}.container-number"])

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"

    @property
    def running(self) -> bool:
        return bool(self.description["State"]["Running"])

    @property
    def exit_code(self) -> int:
        return int(self.description["State"]["ExitCode"])

    @property
    def started_at(self) -> str:
        return str(self.description["State"]["StartedAt"])

    @property
    def healthy(self) -> bool:
        return self.running and (self.description["State"].get("Health") or {}).get("Status") == "healthy"

    def address_on(self, network: str) -> str:
        """Its address in a network."""
        return str(self.networks[network]["IPAddress"])

    @property
    def networks(self) -> Mapping[str, Any]:
        """What it is in, by the network's name."""
        networks: Mapping[str, Any] = self.description["NetworkSettings"]["Networks"] or {}
        return networks

    @property
    def pid(self) -> int:
        """Of the program itself on the host: the child of the init that is its container's first process."""
        first = int(self.description["State"]["Pid"])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return int(children[0]) if self.description["HostConfig"].get("Init") and children else first


class Project:
    """`environ` are the variables of .env; `host` is the address of this machine that others reach; `files` are
    those of Compose, of the project's root."""

    def __init__(
        self,
        engine: Engine,
        environ: Mapping[str, str],
        host: str,
        *,
        name: str | None = None,
        files: Sequence[str] = ("compose.yml",),
    ) -> None:
        self.engine = engine
        self._compose_files = files
        self.name = name or f"todo-agent-test-{secrets.token_hex(3)}"
        self.host = host
        self._directory = CACHE / "projects" / self.name
        self._directory.mkdir(parents=True, exist_ok=True)
        self.configure(environ)
        config = json.loads(engine.compose(*self._files(overridden=False), "config", "--format", "json"))
        overrides = engine.overrides(config, host)
        if overrides:
            (self._directory / "engine.yml").write_text(overrides)

    def serve_with(self, certificates: Path) -> None:
        """Give nginx the cert.pem and key.pem of this folder in place of a person's own, from the next `up` on."""
        mount = json.dumps(f"{certificates}:/certs:ro")
        (self._directory / "certificates.yml").write_text(f"services:\n  page:\n    volumes: [{mount}]\n")

    def forget(self) -> None:
        """Remove its files here."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def configure(self, environ: Mapping[str, str]) -> None:
        """Other variables, for the next `up`."""
        lines = [f"{name}='{value}'" for name, value in environ.items()]
        path = self._directory / "environment"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n")

    @property
    def command(self) -> list[str]:
        """Compose's command line for this project, to which a command of it is added."""
        return [str(COMPOSE), *self._files()]

    def compose(self, *argv: str, timeout: float = UP_TIMEOUT_S) -> str:
        """A command of Compose for this project. Raises EngineError."""
        return self.engine.compose(*self._files(), *argv, timeout=timeout)

    def up(self, *services: str) -> float:
        """Start it, and wait until all is healthy; how many seconds that took. Raises EngineError."""
        began = time.monotonic()
        self.compose("up", "--detach", "--no-build", "--quiet-pull", *services)
        self.wait_until_healthy(services)
        return time.monotonic() - began

    def down(self, *, volumes: bool = False) -> None:
        """Stop and remove it. Raises EngineError."""
        self.compose("down", "--remove-orphans", *(("--volumes",) if volumes else ()), timeout=DOWN_TIMEOUT_S)

    def containers(self, service: str | None = None) -> list[Container]:
        """Its containers, in the order of their names."""
        labels = [f"label={LABEL}.project={self.name}"]
        if service is not None:
            labels.append(f"label={LABEL}.service={service}")
        filters = [word for label in labels for word in ("--filter", label)]
        ids = self.engine.run("ps", "--all", "--quiet", "--no-trunc", *filters).split()
        if not ids:
            return []
        found = [Container(one) for one in json.loads(self.engine.run("inspect", "--type", "container", *ids))]
        return sorted(found, key=lambda one: (one.service, one.number))

    def container(self, service: str, number: int = 1) -> Container:
        """The one of that name. Raises EngineError."""
        for one in self.containers(service):
            if one.number == number:
                return one
        raise EngineError(f"there is no {service}-{number}")

    def wait_until_healthy(self, services: Sequence[str] = (), timeout: float = HEALTHY_TIMEOUT_S) -> None:
        """Until all that serve are healthy and all steps have ended well. Raises EngineError."""
        until = time.monotonic() + timeout
        while True:
            found = [one for one in self.containers() if not services or one.service in services]
            amiss = [one for one in found if not _is_well(one)]
            if found and not amiss:
                return
            if time.monotonic() > until:
                said = "\n".join(self.log_of(one)[-1000:] for one in amiss)
                raise EngineError(f"not healthy within {timeout:g} s: {[one.name for one in amiss]}\n{said}")
            time.sleep(POLL_S)

    def inside(self, service: str, *argv: str, number: int = 1, user: str | None = None) -> str:
        """Run a program in a container, and return what it wrote. Raises EngineError."""
        who = ("--user", user) if user is not None else ()
        return self.engine.run("exec", *who, self.container(service, number).id, *argv, timeout=60)

    def kill(self, container: Container) -> None:
        """SIGKILL for the program itself, as the kernel would when memory is short."""
        os.kill(container.pid, signal.SIGKILL)

    def wait_until_restarted(self, container: Container, timeout: float = HEALTHY_TIMEOUT_S) -> None:
        """Until the container runs again, since a later time, and is healthy. Raises EngineError."""
        until = time.monotonic() + timeout
        while True:
            now = self.container(container.service, container.number)
            if now.healthy and now.started_at != container.started_at:
                return
            if time.monotonic() > until:
                raise EngineError(
                    f"{container.name} did not come back within {timeout:g} s: {self.log_of(now)[-2000:]}"
                )
            time.sleep(POLL_S)

    def log_of(self, container: Container) -> str:
        """All that it wrote."""
        return self.engine.logs(container.id)

    def keep_logs(self, directory: Path) -> None:
        """Write the logs of all containers into a folder."""
        directory.mkdir(parents=True, exist_ok=True)
        for one in self.containers():
            (directory / f"{one.name}.log").write_text(self.log_of(one))

    def _files(self, *, overridden: bool = True) -> list[str]:
        overrides = [self._directory / "engine.yml", self._directory / "certificates.yml"] if overridden else []
        given = [*(ROOT / file for file in self._compose_files), *(one for one in overrides if one.exists())]
        return [
            "--project-directory",
            str(ROOT),
            "--env-file",
            str(self._directory / "environment"),
            "-p",
            self.name,
            *(word for path in given for word in ("-f", str(path))),
        ]


def _is_well(container: Container) -> bool:
    if container.service in STEPS:
        return not container.running and container.exit_code == 0 and not container.started_at.startswith("0001")
    return container.healthy


@contextlib.contextmanager
def running_project(
    engine: Engine, environ: Mapping[str, str], host: str, files: Sequence[str] = ("compose.yml",)
) -> Iterator[Project]:
    """A project that has not been started, and of which nothing is left after the block."""
    project = Project(engine, environ, host, files=files)
    try:
        yield project
    finally:
        try:
            project.keep_logs(CACHE / "logs" / project.name)
        finally:
            project.down(volumes=True)
            project.forget()
