"""What the networks forbid is refused, and a container can do no more than its work."""

import json
import re
import socket
import subprocess

import pytest
from tests.containers.elsewhere import HOST, Elsewhere
from tests.containers.project import STEPS, TLS_PORT, TURN_PORT, Container, Project

OURS = ("page", "signaling", "rtc-gateway", "agent", "todo-store", "mcp-bridge")
USERS = {"page": 101, "postgres": 999, "coturn": 65534}
NET_BIND_SERVICE = 1 << 10
REACHED = {
    "page": {"signaling", "mcp-bridge"},
    "signaling": {"nats"},
    "rtc-gateway": {"nats", "coturn"},
    "agent": {"nats"},
    "todo-store": {"nats", "postgres"},
    "mcp-bridge": {"nats"},
}
REFUSED = {
    "page": {"nats", "postgres", "coturn"},
    "signaling": {"postgres", "coturn"},
    "rtc-gateway": {"postgres", "page"},
    "agent": {"postgres", "coturn", "page"},
    "todo-store": {"coturn", "page"},
    "mcp-bridge": {"postgres", "coturn"},
    "coturn": {"nats", "postgres", "page", "signaling", "mcp-bridge"},
    "nats": {"postgres", "coturn", "page"},
    "postgres": {"nats", "coturn", "signaling", "mcp-bridge", "page"},
}
PORTS = {"postgres": 5432, "nats": 4222, "coturn": 3478, "signaling": 8080, "mcp-bridge": 8080, "page": 8080}
SECRETS = {
    "signaling": {"nats_password", "turn_secret"},
    "rtc-gateway": {"nats_password"},
    "agent": {"nats_password"},
    "todo-store": {"nats_password", "database_url"},
    "mcp-bridge": {"nats_password"},
    "nats": {"nats.conf"},
    "postgres": {"superuser_password", "store_password"},
    "coturn": {"turnserver.conf"},
}


def served(project: Project) -> list[Container]:
    """Everything that goes on running."""
    return [one for one in project.containers() if one.service not in STEPS]


def status(container: Container) -> dict[str, str]:
    """/proc/PID/status of its program."""
    text = subprocess.run(["cat", f"/proc/{container.pid}/status"], check=True, capture_output=True, text=True).stdout
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def reaches(project: Project, whence: Container, address: str, port: int) -> bool:
    """Whether a connection is taken there, tried from the network namespace of a container."""
    probe = f"import socket; socket.create_connection(({address!r}, {port}), 1.5).close()"
    done = subprocess.run(
        ["nsenter", "--target", str(whence.pid), "--net", "python3", "-c", probe], check=False, capture_output=True
    )
    return done.returncode == 0


@pytest.mark.parametrize("whence", REFUSED)
def test_who_reaches_whom_is_what_the_networks_say(project: Project, whence: str) -> None:
    source = project.container(whence)
    reached = {target for target in PORTS if target != whence and any(answers(project, source, target))}
    assert reached >= REACHED.get(whence, set())
    assert reached & REFUSED[whence] == set()


def answers(project: Project, whence: Container, target: str) -> list[bool]:
    """At which of its addresses it takes a connection."""
    addresses = [network["IPAddress"] for network in project.container(target).networks.values()]
    return [reaches(project, whence, address, PORTS[target]) for address in addresses]


def test_the_bus_and_the_database_have_no_way_out(project: Project, model_url: str) -> None:
    port = int(model_url.rpartition(":")[2])
    assert reaches(project, project.container("agent"), HOST, port)
    for service in ("nats", "postgres", "todo-store"):
        assert not reaches(project, project.container(service), HOST, port), service


def test_nothing_is_published_but_the_page_and_turn(project: Project) -> None:
    published = {
        (one.service, binding["HostIp"], binding["HostPort"], port)
        for one in project.containers()
        for port, bindings in (one.description["NetworkSettings"]["Ports"] or {}).items()
        for binding in bindings or ()
    }
    assert published == {
        ("page", "127.0.0.1", "5173", "8080/tcp"),
        ("page", "127.0.0.1", "5443", "8443/tcp"),
        ("coturn", HOST, "3478", "3478/tcp"),
        ("coturn", HOST, "3478", "3478/udp"),
    }


def test_another_machine_reaches_turn_and_nothing_else_of_ours(elsewhere: Elsewhere, project: Project) -> None:
    elsewhere.let_out("ip protocol tcp")
    assert knock(elsewhere, TURN_PORT)
    for port in (5173, TLS_PORT, 4222, 8222, 5432, 8080, 9464):
        assert not knock(elsewhere, port), port


def test_a_container_finds_its_own_secrets_and_no_other(project: Project) -> None:
    found = {service: set(project.inside(service, "ls", "/run/secrets").split()) for service in SECRETS}
    for service, names in SECRETS.items():
        assert found[service] >= names, service
    values = {
        service: {name: project.inside(service, "cat", f"/run/secrets/{name}").strip() for name in ("nats_password",)}
        for service in ("signaling", "rtc-gateway", "agent", "todo-store", "mcp-bridge")
    }
    assert len({one["nats_password"] for one in values.values()}) == len(values)


def test_no_secret_is_in_an_environment_or_on_a_command_line(project: Project) -> None:
    texts = [project.inside(one, "cat", f"/run/secrets/{name}") for one, names in SECRETS.items() for name in names]
    secrets = {word for text in texts for word in re.findall(r"[A-Za-z0-9_-]{40,}", text)}
    assert len(secrets) >= 8
    described = json.dumps([one.description for one in project.containers()])
    assert [secret for secret in secrets if secret in described] == []


def test_every_container_runs_as_nobody_in_particular_with_a_read_only_root_and_no_capability(project: Project) -> None:
    for one in served(project):
        now = status(one)
        assert now["Uid"].split() == [str(USERS.get(one.service, 10001))] * 4, one.name
        assert now["NoNewPrivs"] == "1", one.name
        allowed = NET_BIND_SERVICE if one.service == "coturn" else 0
        assert int(now["CapBnd"], 16) | allowed == allowed, one.name
        assert int(now["CapEff"], 16) | allowed == allowed, one.name
        assert one.description["HostConfig"]["ReadonlyRootfs"], one.name
        assert one.description["HostConfig"]["Memory"] > 0, one.name
        assert one.description["HostConfig"]["PidsLimit"] > 0, one.name
        assert not one.description["HostConfig"]["Privileged"], one.name


@pytest.mark.parametrize("service", OURS)
def test_a_program_cannot_change_its_own_files(project: Project, service: str) -> None:
    probe = "for at in / /app /usr/bin /etc /run/secrets; do [ ! -w $at ] || echo $at; done"
    assert project.inside(service, "sh", "-c", probe).split() == []


def knock(elsewhere: Elsewhere, port: int) -> bool:
    """Whether this machine takes a connection of the other one's."""
    with elsewhere.client.socket(socket.SOCK_STREAM) as sock:
        sock.settimeout(1.5)
        return sock.connect_ex((HOST, port)) == 0
