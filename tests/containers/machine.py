"""What a machine needs for these tests, and its setup: `python -m tests.containers.machine`, as root, safe to repeat.

Everything of ours is in `.cache/containers`: podman's settings, images and volumes too, so that a person's own podman
is not touched. Delete the folder to begin anew (`python -m tests.containers.machine --clean`).
"""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "containers"
COMPOSE: Final = ROOT / ".tools" / "bin" / "compose"
KUBECTL: Final = ROOT / ".tools" / "bin" / "kubectl"
TOOLS: Final = ROOT / "deploy" / "tools" / "install.sh"
PROGRAMS: Final[Mapping[str, str]] = {
    "podman": "podman",
    "buildah": "buildah",
    "runc": "runc",
    "debootstrap": "debootstrap",
    "netavark": "netavark",
    "aardvark-dns": "aardvark-dns",
    "catatonit": "catatonit",
    "iptables": "iptables",
}
"""What podman and the stand-ins take, and the Debian packages that hold it."""
ELSEWHERE: Final = ("/usr/sbin", "/sbin", "/usr/lib/podman", "/usr/libexec/podman")
"""Where programs are that a shell does not look for."""
TESTED_WITH: Final[Mapping[str, str]] = {
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "curl": "curl",
    "mkcert": "mkcert",
    "openssl": "openssl",
    "chromium": "chromium",
}
INSTALL_TIMEOUT_S: Final = 900.0

CONTAINERS: Final = """\
# Written by tests.containers.machine, and read through CONTAINERS_CONF: the machine's own settings are left alone.
[containers]
# podman lowers NPROC to this itself and cannot raise it again: without it runc does not start everywhere.
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]

[engine]
# crun refuses a machine with both versions of cgroups, and systemd does not run everywhere.
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
image_copy_tmp_dir = "{cache}/tmp"
tmp_dir = "{run}/libpod"

[network]
network_config_dir = "{cache}/networks"
# Not podman's own pool, from which a person's projects take theirs.
default_subnet = "10.186.0.0/24"
default_subnet_pools = [{{"base" = "10.187.0.0/16", "size" = 24}}]
"""
STORAGE: Final = """\
[storage]
driver = "overlay"
graphroot = "{cache}/storage"
runroot = "{run}/storage"
"""
RUN: Final = Path("/run/todo-agent-containers")
LOCK: Final = RUN.with_suffix(".lock")
TURN_TIMEOUT_S: Final = 1800.0


class MachineError(Exception):
    """What is missing on this machine, and what to do about it."""


def settings(cache: Path = CACHE, run: Path = RUN) -> dict[str, str]:
    """Write podman's settings, and return the environment in which podman and buildah use them."""
    for folder in ("tmp", "networks"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    containers, storage = cache / "containers.conf", cache / "storage.conf"
    containers.write_text(CONTAINERS.format(cache=cache, run=run))
    storage.write_text(STORAGE.format(cache=cache, run=run))
    return {
        "CONTAINERS_CONF": str(containers),
        "CONTAINERS_STORAGE_CONF": str(storage),
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(cache / "tmp"),
    }


def environ() -> dict[str, str]:
    """Ours, without what a person has set for their own project: Compose would rather have that than a file's."""
    known = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return {name: value for name, value in os.environ.items() if name not in known}


def docker_answers() -> bool:
    """Whether a Docker engine can be used; podman is taken where none answers."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "info"], check=False, capture_output=True, timeout=20)
    return asked.returncode == 0


def absent(programs: Mapping[str, str]) -> list[str]:
    """The packages of those that are not there."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *ELSEWHERE))
    return [package for program, package in programs.items() if shutil.which(program, path=path) is None]


def why_not() -> str | None:
    """What stands in the way, and what to do about it; None where nothing does."""
    if sys.platform != "linux":
        return "these tests make networks of namespaces, which are Linux's; run them there"
    if os.geteuid() != 0:
        return "networks of namespaces are made by root only; run this as root"
    missing = absent(TESTED_WITH if docker_answers() else {**PROGRAMS, **TESTED_WITH})
    if missing:
        return f"not installed: {', '.join(missing)}; run `make test-containers`, which installs it on Debian"
    for tool in (COMPOSE, KUBECTL):
        if not tool.exists():
            return f"{tool} is not there; run `make test-containers`, which gets it"
    return None


def prepare() -> None:
    """Install what is missing. Raises MachineError where that cannot be done."""
    missing = absent(TESTED_WITH if docker_answers() else {**PROGRAMS, **TESTED_WITH})
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for argv in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        ):
            _run(argv, environ)
    _run([str(TOOLS), "compose", "kubectl"], dict(os.environ))
    if reason := why_not():
        raise MachineError(reason)


@contextlib.contextmanager
def taken() -> Iterator[None]:
    """Our turn on this machine, for which one run waits for the other: the page's port is there once. Raises
    MachineError."""
    until = time.monotonic() + TURN_TIMEOUT_S
    with LOCK.open("wb") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise MachineError("another run of these tests has had this machine for long; end it") from error
                time.sleep(1)
            else:
                break
        yield


def clean() -> None:
    """Remove all that these tests keep between runs: images, volumes, settings. Raises MachineError."""
    with taken():
        _clean()


def _clean() -> None:
    if shutil.which("podman") and (CACHE / "containers.conf").exists():
        environ = {**os.environ, **settings()}
        subprocess.run(["podman", "system", "reset", "--force"], check=False, env=environ, timeout=120)
    shutil.rmtree(CACHE, ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)


def _run(argv: list[str], environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        argv, check=False, env=environ, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, cwd=ROOT
    )
    if done.returncode != 0:
        raise MachineError(f"{' '.join(argv)} ended with {done.returncode}: {(done.stderr or done.stdout)[-2000:]}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.containers.machine", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--clean", action="store_true", help="remove all that is kept between runs")
    if parser.parse_args().clean:
        clean()
        return
    try:
        prepare()
    except MachineError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
