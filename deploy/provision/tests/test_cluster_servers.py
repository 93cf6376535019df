"""The configurations that pods write for themselves."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.permissions import USERS
from provision.cluster.making import SOURCES

TEMPLATE = Path(__file__).parents[2] / "coturn"
LONG = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("nats", "coturn"):
        for key in SOURCES[name]:
            (secrets / key).write_text(f"{LONG}-{key}\n")
    return secrets


def step(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "provision.cluster", *arguments],
        env={"PATH": os.defpath, "SECRETS_DIR": str(folder), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_server_alone_knows_every_user_and_listens_for_no_members(folder: Path, tmp_path: Path) -> None:
    into = tmp_path / "nats.conf"
    assert step(folder, "nats", "--into", str(into), "--name", "nats-0").stderr == ""
    told = json.loads(into.read_text())
    assert told["server_name"] == "nats-0"
    assert "cluster" not in told
    known = {user["user"]: user["password"] for user in told["authorization"]["users"]}
    assert known == {user.user: f"{LONG}-{user.user}" for user in USERS}


def test_a_server_of_several_asks_the_others_for_a_password_and_tells_it_to_them(folder: Path, tmp_path: Path) -> None:
    into = tmp_path / "nats.conf"
    members = "nats-0.nats-servers:6222,nats-1.nats-servers:6222"
    step(folder, "nats", "--into", str(into), "--name", "nats-1", "--members", members)
    cluster = json.loads(into.read_text())["cluster"]
    assert cluster["authorization"] == {"user": "routes", "password": f"{LONG}-routes", "timeout": 2}
    assert cluster["routes"] == [f"nats://routes:{LONG}-routes@{place}" for place in members.split(",")]


def test_coturn_listens_on_its_pods_address_and_relays_to_pods_alone(folder: Path, tmp_path: Path) -> None:
    into = tmp_path / "turnserver.conf"
    arguments = ("coturn", "--into", str(into), "--template", str(TEMPLATE))
    assert step(folder, *arguments, TURN_IP="10.42.3.9", TURN_REALM="todo").stderr == ""
    lines = into.read_text().splitlines()
    assert {"listening-ip=10.42.3.9", "relay-ip=10.42.3.9", "allowed-peer-ip=10.42.0.0-10.42.255.255"} <= set(lines)
    secrets = [line for line in lines if line.startswith("static-auth-secret=")]
    assert secrets == [f"static-auth-secret={LONG}-turn_secret", f"static-auth-secret={LONG}-turn_secret_before"]
    step(folder, *arguments, TURN_IP="10.42.3.9", TURN_REALM="todo", GATEWAY_NETWORK="10.0.0.5-10.0.0.9")
    assert "allowed-peer-ip=10.0.0.5-10.0.0.9" in into.read_text().splitlines()


@pytest.mark.parametrize("address", ["", "<none>", "fd00::7", "10.42.3"])
def test_coturn_gets_no_configuration_without_its_pods_ipv4_address(folder: Path, tmp_path: Path, address: str) -> None:
    into = tmp_path / "turnserver.conf"
    done = step(folder, "coturn", "--into", str(into), "--template", str(TEMPLATE), TURN_IP=address, TURN_REALM="todo")
    assert done.returncode == 1
    assert f"TURN_IP is {address!r}" in done.stderr
    assert not into.exists()


@pytest.mark.parametrize("kind", ["nats", "coturn"])
def test_a_secret_that_is_missing_is_named_by_its_file(folder: Path, tmp_path: Path, kind: str) -> None:
    missing = folder / SOURCES[kind][0]
    missing.unlink()
    further = ("--name", "nats-0") if kind == "nats" else ()
    done = step(folder, kind, "--into", str(tmp_path / "out"), *further)
    assert (done.returncode, done.stderr) == (
        1,
        f"provision.cluster: {missing} cannot be read; SECRETS_DIR is {folder}\n",
    )


def test_what_is_written_is_for_its_own_user_alone(folder: Path, tmp_path: Path) -> None:
    into = tmp_path / "nats.conf"
    step(folder, "nats", "--into", str(into), "--name", "nats-0")
    assert stat.S_IMODE(into.stat().st_mode) == 0o600
