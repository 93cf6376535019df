"""Backup and restore of a project by the scripts that docs/backup.md names, as a person runs them."""

import os
import shlex
import subprocess
from pathlib import Path

from tests.containers.machine import ROOT
from tests.containers.project import Project
from tests.containers.talking import DONE, said, titles

BOUND_S = 300


def run(script: str, project: Project, *arguments: str) -> str:
    environ = {**os.environ, **project.engine.environ, "DOCKER_COMPOSE": shlex.join(project.command)}
    done = subprocess.run(
        [ROOT / "deploy" / "backup" / script, *arguments],
        check=False,
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


async def test_what_was_saved_is_there_again_and_what_came_later_is_not(project: Project, tmp_path: Path) -> None:
    assert (await said("create a list called Saved"))[0] is DONE
    assert (await said("add gold to Saved"))[0] is DONE
    folder = tmp_path / "saved"
    run("backup.sh", project, str(folder))
    assert (folder / "streams.tar").stat().st_mode & 0o077 == 0
    assert (await said("add silver to Saved"))[0] is DONE
    assert (await said("create a list called Later"))[0] is DONE
    run("restore.sh", project, str(folder), "--yes")
    project.wait_until_healthy()
    found = await titles()
    assert found["Saved"] == ["gold"]
    assert "Later" not in found
    assert (await said("add bronze to Saved"))[0] is DONE
    assert (await titles())["Saved"] == ["gold", "bronze"]


async def test_it_is_restored_into_a_project_that_is_empty(project: Project, tmp_path: Path) -> None:
    assert (await said("create a list called Moved"))[0] is DONE
    folder = tmp_path / "moved"
    run("backup.sh", project, str(folder))
    project.down(volumes=True)
    run("restore.sh", project, str(folder), "--yes")
    project.wait_until_healthy()
    assert "Moved" in await titles()
    assert (await said("add one to Moved"))[0] is DONE
