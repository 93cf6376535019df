"""On Kubernetes too, secrets are made once, kept, and given to those who need them.

The API server is a small one of ours, since there is none to be had here.
"""

import base64
import ssl
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


def test_secrets_of_the_release_before_get_what_a_further_user_of_the_bus_needs_and_keep_the_rest(
    server: ApiServer,
) -> None:
    complete(server)
    before = values(server, "nats")
    del server.secrets["nats"]["data"]["mcp-bridge"], server.secrets["mcp-bridge"]
    assert complete(server) == ("nats", "mcp-bridge")
    now = values(server, "nats")
    assert {**now, "mcp-bridge": ""} == {**before, "mcp-bridge": ""}
    assert values(server, "mcp-bridge")["nats_password"] == now["mcp-bridge"] != before["mcp-bridge"]


def test_a_key_that_was_taken_out_to_be_renewed_comes_back_and_what_a_person_put_beside_it_stays(
    server: ApiServer,
) -> None:
    complete(server)
    agents = server.secrets["agent"]["data"]
    agents["model_api_key"] = base64.b64encode(b"a person's own").decode()
    before = agents.pop("nats_password")
    del server.secrets["nats"]["data"]["agent"]
    assert complete(server) == ("nats", "agent")
    assert server.secrets["agent"]["data"]["nats_password"] != before
    assert values(server, "agent") == {
        "nats_password": values(server, "nats")["agent"],
        "model_api_key": "a person's own",
    }


@pytest.mark.parametrize(("name", "key"), [("postgres", "superuser_password"), ("coturn", "turn_secret")])
def test_what_a_server_was_made_with_is_not_made_again_but_named(server: ApiServer, name: str, key: str) -> None:
    complete(server)
    del server.secrets[name]["data"][key]
    with pytest.raises(ProvisionError, match=rf"Secret {name} lacks {key}, .*add it"):
        complete(server)
    assert key not in values(server, name)


def test_without_the_right_to_add_to_one_it_says_which(server: ApiServer) -> None:
    complete(server)
    del server.secrets["agent"]["data"]["nats_password"]
    server.may_add = False
    with pytest.raises(ProvisionError, match=r"may not add to Secret agent \(403\); see Role"):
        complete(server)


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
        with pytest.raises(ProvisionError, match=r"certificate is not one of ca\.crt: certificate signature failure"):
            complete(server)
    assert server.asked == []


def test_an_authority_without_key_identifiers_is_taken_by_newer_pythons_too(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.13 asks for them unless it is told not to."""
    usual = ssl.create_default_context

    def strict(*, cafile: str) -> ssl.SSLContext:
        context = usual(cafile=cafile)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    assert set(complete(server)) == NAMES


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
