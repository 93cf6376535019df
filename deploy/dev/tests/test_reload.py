"""A service is started again when its source changes, and ends with what runs it."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Timer

import pytest

RELOAD = Path(__file__).parents[1] / "reload.py"
BOUND_S = 20.0
SERVICE = """
import signal, sys
print("{word}", sys.argv[1:], flush=True)
signal.signal(signal.SIGTERM, {handler})
while True:
    signal.pause()
"""
ENDS = "lambda *_: sys.exit(7)"
DEAF = "signal.SIG_IGN"
Start = Callable[..., "subprocess.Popen[str]"]


def write(folder: Path, word: str, handler: str = ENDS) -> None:
    (folder / "service.py").write_text(SERVICE.format(word=word, handler=handler))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Runs `service` of the folder below reload.py. A line that does not come within the bound ends it."""
    running: list[tuple[subprocess.Popen[str], Timer]] = []

    def begin(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, RELOAD, "service", *arguments],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that what it started ends with it
        )
        timer = Timer(BOUND_S, os.killpg, (process.pid, signal.SIGKILL))
        timer.start()
        running.append((process, timer))
        return process

    yield begin
    for process, timer in running:
        timer.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_change_starts_the_service_again_with_its_arguments(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "before")
    process = start("--http")
    assert line(process) == "before ['--http']"
    write(tmp_path, "after")
    assert line(process) == "after ['--http']"


def test_a_new_file_is_a_change(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "running")
    process = start()
    assert line(process) == "running []"
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").touch()
    assert line(process) == "running []"


def test_a_service_that_failed_is_started_again_when_its_source_is_mended(start: Start, tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text("print('broken', flush=True)\nraise SystemExit(1)\n")
    process = start()
    assert line(process) == "broken"
    write(tmp_path, "mended")
    assert line(process) == "mended []"


def test_a_service_that_does_not_end_is_killed(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "deaf", DEAF)
    process = start()
    assert line(process) == "deaf []"
    write(tmp_path, "new")
    assert line(process) == "new []"


def test_told_to_stop_it_stops_the_service_and_passes_its_status_on(start: Start, tmp_path: Path) -> None:
    write(tmp_path, "running")
    process = start()
    assert line(process) == "running []"
    process.send_signal(signal.SIGTERM)
    assert process.wait(BOUND_S) == 7


def test_without_a_folder_to_watch_it_says_so(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, RELOAD, "service"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "PYTHONPATH" in done.stderr
