"""Debian trixie as an image, made by debootstrap from the machine's own mirror: what the stand-ins are built upon."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.containers.machine import MachineError

RELEASE: Final = "trixie"
TIMEOUT_S: Final = 900.0
CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
# What the image's own dpkg leaves out, then and later.
SLIM: Final = """\
path-exclude /usr/share/doc/*
path-exclude /usr/share/man/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/lintian/*
"""
UNWANTED: Final = ("doc", "man", "info", "locale", "lintian")


def make(name: str, directory: Path, environ: Mapping[str, str]) -> None:
    """Make the image `name`; `directory` is used meanwhile. Raises MachineError."""
    root = directory / "rootfs"
    shutil.rmtree(root, ignore_errors=True)
    _run(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", RELEASE, str(root), _mirror()],
        environ,
        log=directory / "debootstrap.log",
    )
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)
    for folder in UNWANTED:
        shutil.rmtree(root / "usr/share" / folder, ignore_errors=True)
    for cache in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
        shutil.rmtree(root / cache, ignore_errors=True)
        (root / cache).mkdir()
    # A machine behind a proxy that opens TLS trusts more than Debian does, and what is built here must too.
    shutil.copyfile(CERTIFICATES, root / "etc/ssl/certs/ca-certificates.crt")
    tar = directory / "rootfs.tar"
    _run(["tar", "-C", str(root), "-cf", str(tar), "."], environ, log=directory / "tar.log")
    changes = ("ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", 'CMD ["bash"]')
    _run(
        ["podman", "import", *(word for change in changes for word in ("--change", change)), str(tar), name],
        environ,
        log=directory / "import.log",
    )
    tar.unlink()
    shutil.rmtree(root)


def _mirror() -> str:
    """Where this machine gets Debian from; Debian's own address where it has none of its own."""
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    for line in asked.stdout.splitlines():
        origin, label, uri = line.split()
        if (origin, label) == ("Debian", "Debian"):
            return uri
    return "http://deb.debian.org/debian"


def _run(argv: list[str], environ: Mapping[str, str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
    with log.open("wb") as file:
        done = subprocess.run(
            argv, check=False, env={**environ, "PATH": path}, stdout=file, stderr=subprocess.STDOUT, timeout=TIMEOUT_S
        )
    if done.returncode != 0:
        raise MachineError(f"{argv[0]} ended with {done.returncode}: {log.read_text(errors='replace')[-2000:]}")
