"""What each service is told, and what is kept from it."""

from dataclasses import replace

import pytest

from contracts.permissions import USERS
from local_stack import services
from local_stack.keeper import Start
from local_stack.scraping import targets
from local_stack.services import Surroundings, crash_point_of, instances

PASSWORDS = {permissions.user: f"password-of-{permissions.user}" for permissions in USERS}
AROUND = Surroundings(
    nats_url="nats://127.0.0.1:1",
    nats_passwords=PASSWORDS,
    database_url="postgresql+asyncpg://secret",
    port=5173,
    page=None,
    environ={
        "PATH": "/bin",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
        "MODEL_API_KEY": "for the agent",
        "AUTH_SECRET": "for signaling",
        "AUTH_JWKS_URL": "for signaling",
        "AUTH_ISSUER": "for signaling",
        "AUTH_AUDIENCE": "for signaling",
        "TODO_AGENT_TOKEN": "for the command line",
        "DATABASE_URL": "of something else",
        "NATS_PASSWORD": "of something else",
        "CRASH_AT": "agent-2:after_apply",
    },
    model_url="http://127.0.0.1:2",
)
ALL = (services.SIGNALING, services.RTC_GATEWAY, services.AGENT, services.TODO_STORE)


@pytest.mark.parametrize("service", ALL)
def test_a_service_knows_its_own_secrets_alone(service: str) -> None:
    (kept,) = instances(service, 1, AROUND)
    env = kept.command(Start(first=True, http_port=7)).env
    assert env["NATS_USER"] == service
    assert env["NATS_PASSWORD"] == PASSWORDS[service]
    assert not [name for name, value in env.items() if "password-of" in value and value != PASSWORDS[service]]
    assert ("DATABASE_URL" in env) is (service == services.TODO_STORE)
    assert ("MODEL_API_KEY" in env) is (service == services.AGENT)
    assert len([name for name in env if name.startswith("AUTH_")]) == (4 if service == services.SIGNALING else 0)
    assert "TODO_AGENT_TOKEN" not in env
    assert ("MODEL_URL" in env) is (service == services.AGENT)
    assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://localhost:4318"
    assert env["HTTP_PORT"] == "7"
    assert env["HTTP_HOST"] == "127.0.0.1"
    assert "secret" not in repr(AROUND)


def test_only_the_door_listens_where_others_are_and_knows_what_tokens_are_made_by() -> None:
    wide = replace(AROUND, listen="192.168.1.5", entering={"AUTH_SECRET": "kept", "ALLOWED_HOSTS": "*"})
    for service in ALL:
        (kept,) = instances(service, 1, wide)
        env = kept.command(Start(first=True, http_port=7)).env
        door = service == services.SIGNALING
        assert env["HTTP_HOST"] == kept.http_host == ("192.168.1.5" if door else "127.0.0.1")
        assert env.get("AUTH_SECRET") == ("kept" if door else None)
        assert env.get("ALLOWED_HOSTS") == ("*" if door else None)
    assert "kept" not in repr(wide)


def test_only_the_door_keeps_its_port() -> None:
    ports = {service: next(instances(service, 1, AROUND)).http_port for service in ALL}
    assert ports == {
        services.SIGNALING: 5173,
        services.RTC_GATEWAY: None,
        services.AGENT: None,
        services.TODO_STORE: None,
    }


def test_each_process_is_scraped_on_a_port_of_the_loopback_that_it_keeps() -> None:
    wide = replace(AROUND, listen="192.168.1.5")
    (door,) = instances(services.SIGNALING, 1, wide)
    agents = list(instances(services.AGENT, 2, wide))

    for kept in (door, *agents):
        for first in (True, False):
            env = kept.command(Start(first=first, http_port=7)).env
            assert (env["METRICS_HOST"], env["METRICS_PORT"]) == ("127.0.0.1", str(kept.metrics_port))
    assert targets([door, *agents, services.standin(1, {})]) == [
        {"targets": [f"127.0.0.1:{door.metrics_port}"], "labels": {"job": "signaling", "instance": "signaling"}},
        {"targets": [f"127.0.0.1:{agents[0].metrics_port}"], "labels": {"job": "agent", "instance": "agent-1"}},
        {"targets": [f"127.0.0.1:{agents[1].metrics_port}"], "labels": {"job": "agent", "instance": "agent-2"}},
    ]
    assert len({kept.metrics_port for kept in (door, *agents)}) == 3


def test_instances_are_numbered_where_there_can_be_several() -> None:
    assert [kept.name for kept in instances(services.AGENT, 2, AROUND)] == ["agent-1", "agent-2"]
    assert [kept.name for kept in instances(services.SIGNALING, 1, AROUND)] == ["signaling"]


def test_a_crash_point_is_for_the_first_start_of_whom_it_names() -> None:
    first, second = instances(services.AGENT, 2, AROUND)
    assert "CRASH_AT" not in first.command(Start(first=True, http_port=1)).env
    assert second.command(Start(first=True, http_port=1)).env["CRASH_AT"] == "after_apply"
    assert "CRASH_AT" not in second.command(Start(first=False, http_port=1)).env
    assert crash_point_of("after_apply", "agent", "agent-1") == "after_apply"
    assert crash_point_of("agent:after_apply", "agent", "agent-1") == "after_apply"
    assert crash_point_of("todo-store:after_apply", "agent", "agent-1") is None
    assert crash_point_of("", "agent", "agent-1") is None
    both = "agent-2:after_apply,todo-store:before_commit"
    assert crash_point_of(both, "todo-store", "todo-store-1") == "before_commit"
    assert crash_point_of(both, "agent", "agent-1") is None
