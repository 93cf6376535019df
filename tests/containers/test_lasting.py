"""What outlives containers, which password is in force, and what is refused before it can be reached."""

import json
import time
from collections.abc import Iterator

import pytest
from tests.containers.elsewhere import HOST
from tests.containers.engine import Engine, EngineError
from tests.containers.project import PAGE, Project, running_project
from tests.containers.talking import DONE, said, titles

from client import ConnectError

REFUSAL_TIMEOUT_S = 60.0


@pytest.fixture
def stopped(engine: Engine, model_url: str) -> Iterator[Project]:
    """A project that is not started yet."""
    with running_project(engine, {"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url}, HOST) as project:
        yield project


async def test_lists_streams_and_secrets_survive_down_and_up(stopped: Project) -> None:
    stopped.up()
    assert (await said("create a list called Lasting"))[0] is DONE
    assert (await said("add stone to Lasting"))[0] is DONE
    secrets = stopped.inside("postgres", "cat", "/run/secrets/superuser_password", "/run/secrets/store_password")
    last = sequences(stopped)
    stopped.down()
    assert stopped.containers() == []
    stopped.up()
    assert (await titles())["Lasting"] == ["stone"]
    assert (
        stopped.inside("postgres", "cat", "/run/secrets/superuser_password", "/run/secrets/store_password") == secrets
    )
    assert all(now >= before for now, before in zip(sequences(stopped), last, strict=True))
    assert (await said("add sand to Lasting"))[0] is DONE


def test_a_password_that_is_given_is_the_superusers_and_stays_where_it_belongs(
    stopped: Project, model_url: str
) -> None:
    stopped.configure(
        {
            "DOCKER_HOST_IP": HOST,
            "MODEL_URL": model_url,
            "POSTGRES_PASSWORD": "given-by-a-person",
            "POSTGRES_DB": "mine",
        }
    )
    stopped.up()
    assert logs_in(stopped, "given-by-a-person", "mine")
    assert not logs_in(stopped, "another", "mine")
    for one in stopped.containers():
        if one.service != "secrets":
            assert "given-by-a-person" not in str(one.description), one.name


async def test_another_secret_in_the_environment_counts_from_the_next_up_on(stopped: Project, model_url: str) -> None:
    def told(secret: str) -> str:
        stopped.configure({"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url, "AUTH_SECRET": secret})
        stopped.up()
        return stopped.inside("signaling", "start", "token", "--owner", "ada").split()[0]

    first = told("the first secret of a test and it is long enough")
    database = stopped.container("postgres").started_at
    assert (await said("create a list called Before", PAGE, first))[0] is DONE
    second = told("another secret of a test and it is long enough too")
    assert (await said("create a list called After", PAGE, second))[0] is DONE
    with pytest.raises(ConnectError):
        await said("create a list called Never", PAGE, first)
    assert sorted(await titles(token=second)) == ["After", "Before"]
    assert stopped.container("postgres").started_at == database


@pytest.mark.parametrize("service", ["signaling", "mcp-bridge"])
def test_published_for_others_without_tokens_it_refuses_to_start_and_says_why(
    stopped: Project, model_url: str, service: str
) -> None:
    stopped.configure({"DOCKER_HOST_IP": HOST, "MODEL_URL": model_url, "PUBLISHED_ON": "0.0.0.0"})  # noqa: S104
    stopped.compose("up", "--detach", "--no-build", service)
    until = time.monotonic() + REFUSAL_TIMEOUT_S
    while "AUTH_SECRET" not in (said_why := stopped.log_of(stopped.container(service))):
        assert time.monotonic() < until, said_why
        time.sleep(0.2)
    assert "0.0.0.0:5443" in said_why
    with pytest.raises(EngineError):
        stopped.wait_until_healthy([service], timeout=5)


def logs_in(project: Project, password: str, database: str) -> bool:
    """Whether the superuser gets in over the network, where a password is asked for."""
    address = project.container("postgres").address_on(f"{project.name}_data")
    login = f"host={address} user=postgres dbname={database} password={password}"
    try:
        return project.inside("postgres", "psql", "-At", "-c", "SELECT 1", login).strip() == "1"
    except EngineError:
        return False


def sequences(project: Project) -> list[int]:
    """How many messages there have been in each stream."""
    said = project.inside("nats", "wget", "-q", "-O", "-", "http://127.0.0.1:8222/jsz?streams=1")
    return [
        stream["state"]["last_seq"]
        for account in json.loads(said).get("account_details", [])
        for stream in sorted(account["stream_detail"], key=lambda one: one["name"])
    ]
