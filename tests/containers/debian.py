"""Debian trixie as an image, made by debootstrap from the machine's own mirror: what the stand-ins are built upon."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

RELEASE: Final = "trixie"
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


def make(name: str, directory: Path, run: Callable[[Sequence[str], str], None]) -> None:
    """Make the image `name`; `directory` is used meanwhile, and `run` runs a program with a log of that name."""
    root = directory / "rootfs"
    shutil.rmtree(root, ignore_errors=True)
    directory.mkdir(parents=True, exist_ok=True)
    program = shutil.which("debootstrap", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin") or "debootstrap"
    run([program, "--variant=minbase", "--include=ca-certificates", RELEASE, str(root), _mirror()], "debootstrap")
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM)
    for folder in UNWANTED:
        shutil.rmtree(root / "usr/share" / folder, ignore_errors=True)
    for cache in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
        shutil.rmtree(root / cache, ignore_errors=True)
        (root / cache).mkdir()
    # A machine behind a proxy that opens TLS trusts more than Debian does, and what is built here must too.
    shutil.copyfile(CERTIFICATES, root / "etc/ssl/certs/ca-certificates.crt")
    tar = directory / "rootfs.tar"
    run(["tar", "-C", str(root), "-cf", str(tar), "."], "tar")
    changes = ("ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt", 'CMD ["bash"]')
    run(["podman", "import", *(word for change in changes for word in ("--change", change)), str(tar), name], "import")
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
