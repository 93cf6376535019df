"""Tools of npm's: pinned beside this file, installed by `make tools` or here, run by a Node.js of their own."""

import asyncio
import os
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALL_S = 300


async def installed(name: str) -> Path:
    """The folder of a tool, with its packages. Without npm the test is skipped by name, and fails where CI=true."""
    folder = HERE / name
    if not (folder / "node_modules" / ".package-lock.json").is_file():
        # Not `ci`: that fails where an optional package for another system is not to be had.
        npm = await asyncio.create_subprocess_exec(
            *("npm", "--prefix", str(folder), "install", "--no-save", "--no-update-notifier"),
            stdout=PIPE,
            stderr=STDOUT,
        )
        said, _ = await asyncio.wait_for(npm.communicate(), INSTALL_S)
        if npm.returncode != 0:
            reason = f"{name} cannot be installed: {said.decode()[-500:]}"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    return folder


async def run(folder: Path, package: str, script: str, *arguments: str, bound_s: float) -> tuple[int, str, str]:
    """A package's script under the folder's Node.js: status, stdout, stderr."""
    modules = folder / "node_modules"
    process = await asyncio.create_subprocess_exec(
        *(str(modules / "node" / "bin" / "node"), str(modules / package / script), *arguments), stdout=PIPE, stderr=PIPE
    )
    out, said = await asyncio.wait_for(process.communicate(), bound_s)
    assert process.returncode is not None
    return process.returncode, out.decode(), said.decode()
