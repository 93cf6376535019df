"""What containers run on: Docker where it answers, else podman with a Docker API of its own."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.containers import images, machine, podman

COMMAND_TIMEOUT_S: Final = 120.0


class EngineError(Exception):
    """A command failed: which, and what it said."""


@dataclass(frozen=True)
class Engine:
    """`command` is its command line program; `environ` is for that and for Compose."""

    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    is_podman: bool

    def run(self, *argv: str, timeout: float = COMMAND_TIMEOUT_S, check: bool = True) -> str:
        """Run a command of the engine, and return what it wrote. Raises EngineError."""
        return run((*self.command, *argv), self.environ, timeout, check=check)

    def logs(self, container: str) -> str:
        """What a container wrote, on both streams."""
        argv = (*self.command, "logs", container)
        done = subprocess.run(
            argv,
            check=False,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=COMMAND_TIMEOUT_S,
        )
        return done.stdout

    def compose(self, *argv: str, environ: Mapping[str, str] | None = None, timeout: float = COMMAND_TIMEOUT_S) -> str:
        """Run Compose in the project's root. Raises EngineError."""
        return run((str(machine.COMPOSE), *argv), {**self.environ, **(environ or {})}, timeout)

    def overrides(self, config: Mapping[str, Any], host: str) -> str:
        """What is merged into compose.yml for this engine; empty for Docker, which takes it as it is."""
        return podman.overrides(config, host) if self.is_podman else ""

    def make_images(self, config: Mapping[str, Any]) -> None:
        """Have all images, the newest of ours. Raises MachineError or EngineError."""
        if self.is_podman:
            images.make(config, images.Builder(self.environ, self.command[:-1]))
        else:
            self.compose("build", "--quiet", timeout=images.TIMEOUT_S)


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """Docker, or podman for the length of the block. Raises MachineError."""
    if machine.docker_answers():
        yield Engine(("docker",), machine.environ(), is_podman=False)
        return
    environ = {**machine.environ(), **machine.settings(), "DOCKER_HOST": f"unix://{podman.SOCKET}"}
    with podman.running_service(environ) as pid:
        inside = ("nsenter", f"--mount=/proc/{pid}/ns/mnt", f"--wd={machine.ROOT}")
        engine = Engine((*inside, "podman"), environ, is_podman=True)
        # What a killed run left: its containers are dead to this service, but their names and networks are taken.
        engine.run("rm", "--all", "--force", "--time", "0", check=False)
        engine.run("network", "prune", "--force", check=False)
        engine.run("volume", "prune", "--force", check=False)
        with podman.HealthChecks():
            yield engine


def run(argv: tuple[str, ...], environ: Mapping[str, str], timeout: float, *, check: bool = True) -> str:
    """Run a program in the project's root, and return what it wrote. Raises EngineError."""
    try:
        done = subprocess.run(
            argv, check=False, env=environ, capture_output=True, text=True, timeout=timeout, cwd=machine.ROOT
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr
        raise EngineError(f"{' '.join(argv)} did not end within {timeout:g} s: {(said or '')[-2000:]}") from error
    if check and done.returncode != 0:
        raise EngineError(f"{' '.join(argv)} ended with {done.returncode}: {(done.stderr or done.stdout)[-3000:]}")
    return done.stdout
