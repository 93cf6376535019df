"""On Kubernetes too, secrets are made once, kept, and given to those who need them.

The API server is a small one of ours, since there is none to be had here.
"""

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.permissions import USERS
from provision.cluster import api, making
from provision.errors import ProvisionError
from provision.secrets import Database

from .api_server import PREFIX, ApiServer, serving

QUICK = api.Patience(wait_s=5.0, pause_s=0.01)
NAMES = {*making.SOURCES, *(user.user for user in USERS)}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with serving(tmp_path) as running:
        running.readable = frozenset(NAMES)
        yield running


def complete(server: ApiServer, patience: api.Patience = QUICK) -> tuple[str, ...]:
    with api.of_this_pod(server.environ, server.account, patience) as namespace:
        return making.complete(namespace, Database())


def values(server: ApiServer, name: str) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in server.secrets[name]["data"].items()}


def stored(name: str, **held: str) -> dict[str, Any]:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in held.items()}
    return {"metadata": {"name": name}, "data": data}


def test_the_first_time_all_are_made_and_the_second_time_none(server: ApiServer) -> None:
    assert set(complete(server)) == NAMES == set(server.secrets)
    before = {name: values(server, name) for name in NAMES}
    assert complete(server) == ()
    assert {name: values(server, name) for name in NAMES} == before


def test_each_service_has_its_password_and_those_of_nobody_else(server: ApiServer) -> None:
    complete(server)
    passwords = values(server, "nats")
    assert len(set(passwords.values())) == len(passwords) == len(USERS) + 1
    for user in USERS:
        own = values(server, user.user)
        assert own["nats_password"] == passwords[user.user]
        others = {word for name, word in passwords.items() if name != user.user}
        assert not others & set(own.values())
    url = values(server, "todo-store")["database_url"]
    assert values(server, "postgres")["store_password"] in url
    assert values(server, "postgres")["superuser_password"] not in url
    turn = values(server, "coturn")
    assert turn["turn_secret_before"] == turn["turn_secret"] == values(server, "signaling")["turn_secret"]


def test_what_a_person_made_is_kept_and_used(server: ApiServer) -> None:
    server.secrets["coturn"] = stored("coturn", turn_secret="n" * 30, turn_secret_before="o" * 30)
    assert "coturn" not in complete(server)
    assert values(server, "signaling")["turn_secret"] == f"{'n' * 30},{'o' * 30}"


def test_a_deleted_secret_comes_back_as_it_was(server: ApiServer) -> None:
    complete(server)
    before = values(server, "agent")
    del server.secrets["agent"]
    assert complete(server) == ("agent",)
    assert values(server, "agent") == before


def test_where_somebody_is_quicker_theirs_is_taken(server: ApiServer) -> None:
    theirs = {key: f"theirs-{key}" for key in making.SOURCES["nats"]}
    server.made_by_another["nats"] = stored("nats", **theirs)
    assert "nats" not in complete(server)
    assert values(server, "agent")["nats_password"] == "theirs-agent"


def test_a_secret_that_lacks_a_key_is_not_mended_but_named(server: ApiServer) -> None:
    server.secrets["nats"] = stored("nats", agent="word")
    with pytest.raises(ProvisionError, match=r"Secret nats lacks signaling, .*delete nats"):
        complete(server)
    assert set(server.secrets) == {"nats"}


def test_a_password_that_is_good_no_longer_is_named(server: ApiServer) -> None:
    complete(server)
    del server.secrets["nats"]
    with pytest.raises(ProvisionError, match="Secret signaling holds another nats_password than Secret nats"):
        complete(server)


def test_without_the_right_to_make_them_it_says_which_and_tries_no_more(server: ApiServer) -> None:
    server.may_create = False
    with pytest.raises(ProvisionError, match=r"may not make Secret nats \(403\); see Role"):
        complete(server)
    assert server.asked == [("GET", f"{PREFIX}/nats"), ("POST", PREFIX)]


def test_without_the_right_to_read_one_it_makes_none(server: ApiServer) -> None:
    server.readable = frozenset(NAMES - {"nats"})
    with pytest.raises(ProvisionError, match=r"may not read Secret nats \(403\)"):
        complete(server)
    assert server.secrets == {}


def test_a_token_that_is_not_taken_is_said(server: ApiServer) -> None:
    (server.account / "token").write_text("of somebody else")
    with pytest.raises(ProvisionError, match="401"):
        complete(server)


def test_a_server_that_is_unwell_for_a_moment_is_asked_again(server: ApiServer) -> None:
    server.unwell = 3
    assert set(complete(server)) == NAMES


def test_a_server_that_stays_away_is_given_up(server: ApiServer) -> None:
    environ = {**server.environ, "KUBERNETES_SERVICE_PORT": "1"}
    with (
        api.of_this_pod(environ, server.account, api.Patience(0.0, 0.0)) as namespace,
        pytest.raises(ProvisionError, match="does not answer"),
    ):
        making.complete(namespace, Database())


def test_a_server_with_another_certificate_learns_no_token(server: ApiServer, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with serving(other):
        (server.account / "ca.crt").write_text((other / "ca.crt").read_text())
        with pytest.raises(ProvisionError, match="does not answer"):
            complete(server, api.Patience(0.0, 0.0))
    assert server.asked == []


def test_outside_of_a_pod_it_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "provision.cluster", "secrets"],
        env={},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"provision.cluster: {api.ACCOUNT} does not hold token")
    assert done.stderr.count("\n") == 1
