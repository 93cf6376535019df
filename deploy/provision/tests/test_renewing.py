"""Secrets are renewed one kind at a time; whatever is interrupted is finished by the next run, and nothing is lost."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bus import connection
from bus.errors import BusLostError, UnavailableError
from bus.nats_bus import NatsBus
from contracts.permissions import AGENT, USERS
from local_stack.temporary import RunningNats, running_nats, temporary_directory
from provision import __main__ as steps
from provision import secrets

COTURN = Path(__file__).parents[2] / "coturn"
SURROUNDINGS = {"TURN_IP": "10.9.0.4", "TURN_REALM": "todo.example", "GATEWAY_NETWORK": "10.9.0.5-10.9.0.9"}
BOUND_S = 20.0
BEFORE_USE = "this step was interrupted here"


def run(monkeypatch: pytest.MonkeyPatch, into: Path, *arguments: str) -> int:
    for name in [name for name in os.environ if name.startswith("POSTGRES_")]:
        monkeypatch.delenv(name)
    for name, value in SURROUNDINGS.items():
        monkeypatch.setenv(name, value)
    words = ["provision", "secrets", "--into", str(into), "--coturn", str(COTURN), *arguments]
    monkeypatch.setattr(sys, "argv", words)
    return steps.main()


def files(into: Path) -> dict[str, str]:
    return {str(path.relative_to(into)): path.read_text() for path in sorted(into.rglob("*")) if path.is_file()}


def step(monkeypatch: pytest.MonkeyPatch, into: Path, *arguments: str) -> dict[str, str]:
    assert run(monkeypatch, into, *arguments) == 0
    return files(into)


def turn_of(found: dict[str, str]) -> tuple[list[str], list[str]]:
    """What signaling makes passwords by, the first of them, and what coturn takes."""
    mark = "static-auth-secret="
    lines = found["coturn/turnserver.conf"].splitlines()
    return found["signaling/turn_secret"].split(","), [
        line.removeprefix(mark) for line in lines if line.startswith(mark)
    ]


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("nats", {"nats/nats.conf", *(f"{user.user}/nats_password" for user in USERS)}),
        ("store", {"postgres/store_password", "todo-store/database_url"}),
        ("turn", {"signaling/turn_secret", "coturn/turnserver.conf"}),
    ],
)
def test_what_is_renewed_is_new_and_nothing_else_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str, changed: set[str]
) -> None:
    before = step(monkeypatch, tmp_path)
    after = step(monkeypatch, tmp_path, "--renew", what)
    assert {name for name in after if after[name] != before[name]} == {*changed, "kept/secrets.json"}
    assert step(monkeypatch, tmp_path) == after


def test_the_former_secret_of_turn_stays_good_until_it_is_retired(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (old,), _ = turn_of(step(monkeypatch, tmp_path))
    signaling, coturn = turn_of(step(monkeypatch, tmp_path, "--renew", "turn"))
    new = signaling[0]
    assert new != old
    assert (signaling, coturn) == ([new, old], [new, old])
    assert turn_of(step(monkeypatch, tmp_path)) == (signaling, coturn)
    assert turn_of(step(monkeypatch, tmp_path, "--retire", "turn")) == ([new], [new, new])


def test_a_secret_of_turn_that_is_known_to_others_is_good_for_nobody_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (old,), _ = turn_of(step(monkeypatch, tmp_path))
    step(monkeypatch, tmp_path, "--renew", "turn", "--retire", "turn")
    assert not [name for name, text in files(tmp_path).items() if old in text]


def test_a_container_whose_arguments_are_fixed_is_told_by_its_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = step(monkeypatch, tmp_path)
    with monkeypatch.context() as told:
        told.setenv("RENEW", "store,turn")
        told.setenv("RETIRE", "turn")
        after = step(told, tmp_path)
        assert after["postgres/store_password"] != before["postgres/store_password"]
        assert before["signaling/turn_secret"] not in after["coturn/turnserver.conf"]
        assert after["agent/nats_password"] == before["agent/nats_password"]
        told.setenv("RENEW", "everything")
        assert run(told, tmp_path) == 1
    assert step(monkeypatch, tmp_path) == after


def test_a_renewal_that_dies_before_anything_is_used_has_kept_it_and_is_finished_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = step(monkeypatch, tmp_path)
    with monkeypatch.context() as dying:
        dying.setattr(secrets, "write", lambda *_: (_ for _ in ()).throw(OSError(BEFORE_USE)))
        assert run(dying, tmp_path, "--renew", "nats", "--renew", "store", "--renew", "turn") == 1
    interrupted = files(tmp_path)
    assert {name for name in before if before[name] != interrupted[name]} == {"kept/secrets.json"}
    kept = json.loads(interrupted["kept/secrets.json"])
    finished = step(monkeypatch, tmp_path)
    assert finished["kept/secrets.json"] == interrupted["kept/secrets.json"]
    assert finished["postgres/store_password"] == kept["postgres/store"] != before["postgres/store_password"]
    assert finished["agent/nats_password"] == kept["nats/agent"] != before["agent/nats_password"]
    assert turn_of(finished)[0] == [kept["turn/secret"], before["signaling/turn_secret"]]


def test_a_renewal_that_dies_among_the_files_is_finished_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = step(monkeypatch, tmp_path)
    named = Path.replace

    def some(path: Path, target: Path) -> Path:
        if path.name == ".nats.conf.new":  # the services have theirs by then, and the server has not
            raise OSError(BEFORE_USE)
        return named(path, target)

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", some)
        assert run(dying, tmp_path, "--renew", "nats") == 1
    assert files(tmp_path)["nats/nats.conf"] == before["nats/nats.conf"]
    finished = step(monkeypatch, tmp_path)
    known = {
        user["user"]: user["password"] for user in json.loads(finished["nats/nats.conf"])["authorization"]["users"]
    }
    assert known == {user.user: finished[f"{user.user}/nats_password"] for user in USERS}
    assert known["agent"] != before["agent/nats_password"]


async def may_enter(server: RunningNats, password: str) -> bool:
    try:
        async with NatsBus.connected_to(replace(server.bus_settings(AGENT.user), password=password)):
            return True
    except UnavailableError:
        return False


async def test_a_server_that_reads_its_file_again_refuses_the_old_passwords_and_takes_the_new_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with temporary_directory() as directory:
        async with running_nats(directory) as server:
            secrets.keep(
                tmp_path / "kept" / "secrets.json",
                {f"nats/{user}": password for user, password in server.passwords.items()},
            )
            found = step(monkeypatch, tmp_path, "--renew", "nats")
            new = {user.user: found[f"{user.user}/nats_password"] for user in USERS}
            lasting = asyncio.create_task(_stays(server, entered := asyncio.Event()))
            await asyncio.wait_for(entered.wait(), BOUND_S)
            server.server.configure(new)
            os.kill(server.child.pid, signal.SIGHUP)
            # Whoever is in with an old password is put out; the process then ends, and starts with the new one.
            with pytest.raises(BusLostError):
                await asyncio.wait_for(lasting, BOUND_S)
            assert await may_enter(server, new[AGENT.user])
            monkeypatch.setattr(connection, "CONNECT_TIMEOUT_S", 2.0)  # so long it tries
            assert not await may_enter(server, server.passwords[AGENT.user])


async def _stays(server: RunningNats, entered: asyncio.Event) -> None:
    async with NatsBus.connected_to(server.bus_settings(AGENT.user)):
        entered.set()
        await asyncio.Event().wait()
