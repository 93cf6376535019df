"""The project keeps to each rule, and each rule says so when it does not: for each thing that a rule holds, a change
that breaks it, and the container that the rule has to complain of."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from policy.compose import containment, contents, declared, rules, wiring
from policy.compose.project import ROOT, Complaints, Node, rendered

Rule = Callable[[Node], Complaints]
Change = Callable[[Any], object]


@cache
def whole() -> Node:
    """As it is without any variable, with all profiles."""
    return rendered()


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_to_it(rule: Rule) -> None:
    assert list(rule(whole())) == []


def test_every_container_is_declared_and_there() -> None:
    assert set(whole()["services"]) == {*declared.OURS, *declared.THEIRS}


def test_without_the_profile_nothing_of_observability_runs() -> None:
    assert set(rendered(profiles=())["services"]) == {*declared.OURS, *declared.THEIRS} - set(declared.PROFILES)


MUTATIONS: list[tuple[Rule, str, str, Change]] = [
    (containment.keeps_its_root_closed, "agent", "a writable root", lambda s: s.pop("read_only")),
    (containment.keeps_its_root_closed, "agent", "memory without end", lambda s: s["tmpfs"].append("/var/cache")),
    (containment.has_no_privileges, "nats", "kept capabilities", lambda s: s.pop("cap_drop")),
    (containment.has_no_privileges, "page", "an added capability", lambda s: s.update(cap_add=["NET_ADMIN"])),
    (containment.has_no_privileges, "coturn", "one more than its own", lambda s: s["cap_add"].append("SYS_ADMIN")),
    (containment.has_no_privileges, "lgtm", "new privileges", lambda s: s.pop("security_opt")),
    (containment.has_no_privileges, "page", "no seccomp", lambda s: s["security_opt"].append("seccomp=unconfined")),
    (containment.has_no_privileges, "postgres", "all privileges", lambda s: s.update(privileged=True)),
    (containment.has_no_privileges, "nats", "a device", lambda s: s.update(devices=["/dev/sda"])),
    (containment.has_no_privileges, "nats", "the machine's processes", lambda s: s.update(pid="host")),
    (containment.has_no_privileges, "coturn", "the machine's network", lambda s: s.update(network_mode="host")),
    (containment.is_not_root, "page", "the image's user", lambda s: s.pop("user")),
    (containment.is_not_root, "postgres", "root", lambda s: s.update(user="0:0")),
    (containment.is_not_root, "nats", "root's group", lambda s: s.update(user="10001:0")),
    (containment.is_not_root, "coturn", "a user by name", lambda s: s.update(user="nobody:nogroup")),
    (containment.is_not_root, "agent", "another user of ours", lambda s: s.update(user="1000:1000")),
    (
        containment.mounts_nothing_of_the_machine_to_write,
        "page",
        "files of the machine to write",
        lambda s: s["volumes"][0].pop("read_only"),
    ),
    (
        containment.mounts_nothing_of_the_machine_to_write,
        "lgtm",
        "Docker's socket",
        lambda s: s["volumes"].append(
            {"type": "bind", "source": "/var/run/docker.sock", "target": "/docker.sock", "read_only": True}
        ),
    ),
    (containment.is_bounded, "agent", "memory", lambda s: s.pop("mem_limit")),
    (containment.is_bounded, "agent", "processes", lambda s: s.update(pids_limit=-1)),
    (containment.is_bounded, "lgtm", "logs", lambda s: s.pop("logging")),
    (containment.is_bounded, "nats", "the size of a log", lambda s: s["logging"]["options"].pop("max-size")),
    (containment.is_bounded, "nats", "the number of logs", lambda s: s["logging"]["options"].pop("max-file")),
    (containment.comes_back, "agent", "not started again", lambda s: s.pop("restart")),
    (containment.comes_back, "migrate", "a step again and again", lambda s: s.update(restart="unless-stopped")),
    (containment.comes_back, "signaling", "no init", lambda s: s.pop("init")),
    (containment.has_time_to_end, "rtc-gateway", "Docker's own 10 s", lambda s: s.pop("stop_grace_period")),
    (containment.has_time_to_end, "nats", "shorter than lame duck", lambda s: s.update(stop_grace_period="20s")),
    (containment.has_time_to_end, "postgres", "shorter than a checkpoint", lambda s: s.update(stop_grace_period="5s")),
    (wiring.is_on_its_networks, "agent", "a network more", lambda s: s["networks"].update(front=None)),
    (wiring.is_on_its_networks, "signaling", "a network less", lambda s: s["networks"].pop("bus")),
    (wiring.stays_apart, "page", "page and NATS", lambda s: s["networks"].update(bus=None)),
    (wiring.stays_apart, "coturn", "TURN and PostgreSQL", lambda s: s["networks"].update(data=None)),
    (wiring.stays_apart, "agent", "agents and PostgreSQL", lambda s: s["networks"].update(data=None)),
    (wiring.stays_apart, "page", "a link", lambda s: s.update(links=["postgres"])),
    (wiring.stays_apart, "secrets", "a network by default", lambda s: s.pop("network_mode")),
    (wiring.stays_apart, "todo-store", "the machine", lambda s: s.update(extra_hosts=["h=host-gateway"])),
    (rules.publishes_what_is_declared, "nats", "a port", lambda s: s.update(ports=[_port(4222)])),
    (rules.publishes_what_is_declared, "coturn", "no UDP", lambda s: s["ports"].pop(0)),
    (rules.publishes_what_is_declared, "page", "another port", lambda s: s["ports"][0].update(published="80")),
    (
        rules.publishes_what_is_declared,
        "coturn",
        "a range",
        lambda s: s["ports"].append(_port(49152) | {"published": "49152-57343", "protocol": "udp"}),
    ),
    (wiring.publishes_on_loopback_alone, "page", "everywhere", lambda s: s["ports"][0].pop("host_ip")),
    (
        wiring.publishes_on_loopback_alone,
        "lgtm",
        "by an address",
        lambda s: s["ports"][0].update(host_ip="192.168.1.20"),
    ),
    (wiring.starts_after, "todo-store", "a step begun", lambda s: _waits(s, "migrate", "service_started")),
    (wiring.starts_after, "agent", "a server begun", lambda s: _waits(s, "nats", "service_started")),
    (wiring.starts_after, "agent", "if it is there", lambda s: s["depends_on"]["nats"].update(required=False)),
    (wiring.starts_after, "nats", "before its secrets", lambda s: s.pop("depends_on")),
    (wiring.starts_after, "todo-store", "before the tables", lambda s: s["depends_on"].pop("migrate")),
    (wiring.starts_after, "signaling", "before the streams", lambda s: s["depends_on"].pop("topology")),
    (wiring.starts_after, "page", "before signaling", lambda s: s["depends_on"].pop("signaling")),
    (contents.is_pinned, "nats", "latest", lambda s: s.update(image="nats:latest")),
    (contents.is_pinned, "nats", "no tag", lambda s: s.update(image="nats")),
    (contents.is_pinned, "nats", "a tag that moves", lambda s: s.update(image="nats:alpine")),
    (contents.is_pinned, "nats", "another image", lambda s: s.update(image="example.com/nats:2.14.5")),
    (contents.is_pinned, "agent", "another name of ours", lambda s: s.update(image="todo-agent/signaling:dev")),
    (contents.is_pinned, "agent", "built by nobody", lambda s: s.pop("build")),
    (contents.is_pinned, "postgres", "theirs, built here", lambda s: s.update(build={"context": "."})),
    (contents.is_pinned, "lgtm", "always there", lambda s: s.pop("profiles")),
    (contents.is_told_what_it_knows, "agent", "misspelt", lambda s: s["environment"].update(MODEL_SLOT="2")),
    (contents.is_told_what_it_knows, "agent", "another's", lambda s: s["environment"].update(TURN_URLS="")),
    (contents.is_told_what_it_knows, "postgres", "misspelt", lambda s: s["environment"].update(POSTGRES_DATABASE="x")),
    (
        contents.has_no_secret_in_its_environment,
        "postgres",
        "a password",
        lambda s: s["environment"].update(POSTGRES_PASSWORD="x"),
    ),
    (
        contents.has_no_secret_in_its_environment,
        "agent",
        "a key that is another's to know",
        lambda s: s["environment"].update(AUTH_SECRET="x"),
    ),
    (
        contents.has_no_secret_in_its_environment,
        "todo-store",
        "a password in a URL",
        lambda s: s["environment"].update(DATABASE_LINK="postgresql://a:b@postgres/todo"),
    ),
    (
        contents.has_no_secret_in_its_environment,
        "coturn",
        "on the command line",
        lambda s: s["entrypoint"].append("--static-auth-secret=x"),
    ),
    (
        contents.has_no_secret_in_its_environment,
        "coturn",
        "open where its file is missing",
        lambda s: s.update(entrypoint=["turnserver", "-c", "/run/secrets/turnserver.conf"]),
    ),
    (contents.is_pinned, "topology", "a stranger's image", lambda s: s.pop("pull_policy")),
    (contents.asks_itself_and_no_proxy, "nats", "by a proxy", lambda s: s["environment"].pop("http_proxy")),
    (containment.has_time_to_end, "page", "shorter than open pages", lambda s: s.update(stop_grace_period="4s")),
    (wiring.starts_after, "signaling", "old secrets", lambda s: s["depends_on"]["secrets"].pop("restart")),
    (wiring.starts_after, "postgres", "again", lambda s: s["depends_on"]["secrets"].update(restart=True)),
    (contents.sees_its_own_secrets, "agent", "another's", lambda s: s["volumes"][0].update(source="secrets-nats")),
    (contents.sees_its_own_secrets, "page", "any", lambda s: s["volumes"].append(_secret("secrets-signaling"))),
    (contents.sees_its_own_secrets, "agent", "to write", lambda s: s["volumes"][0].pop("read_only")),
    (contents.sees_its_own_secrets, "agent", "elsewhere", lambda s: s["volumes"][0].update(target="/secrets")),
    (contents.sees_its_own_secrets, "signaling", "none", lambda s: s["volumes"].clear()),
    (contents.sees_its_own_secrets, "postgres", "what is kept", lambda s: s["volumes"].append(_secret("secrets-kept"))),
    (contents.sees_its_own_secrets, "secrets", "not written", lambda s: _without(s, "secrets-agent")),
    (contents.sees_its_own_secrets, "secrets", "forgotten", lambda s: _without(s, "secrets-kept")),
    (contents.sees_its_own_secrets, "secrets", "misplaced", lambda s: s["volumes"][1].update(target="/secrets/x")),
    (contents.shows_the_certificate_to_nginx_alone, "page", "the closed folder", lambda s: _bound(s, "certs")),
    (contents.shows_the_certificate_to_nginx_alone, "agent", "as well", lambda s: _bound(s, "certs/served")),
    (contents.says_whether_it_is_well, "page", "none", lambda s: s.pop("healthcheck")),
    (contents.says_whether_it_is_well, "nats", "switched off", lambda s: s["healthcheck"].update(disable=True)),
    (
        contents.says_whether_it_is_well,
        "agent",
        "another's",
        lambda s: _asked(s, "python", "-m", "signaling.healthcheck"),
    ),
    (
        contents.says_whether_it_is_well,
        "page",
        "the model server",
        lambda s: _asked(s, "wget", "-q", "http://host.docker.internal:1234/v1/models"),
    ),
    (contents.says_whether_it_is_well, "page", "a shell's line", lambda s: _asked(s, "sh", "-c", "wget -q localhost")),
    (contents.says_whether_it_is_well, "nats", "no end", lambda s: s["healthcheck"].pop("timeout")),
    (contents.says_whether_it_is_well, "postgres", "by its socket", lambda s: _asked(s, "pg_isready", "-q")),
    (
        contents.says_whether_it_is_well,
        "nats",
        "without JetStream",
        lambda s: _asked(s, "wget", "-q", "localhost:8222"),
    ),
]


@pytest.mark.parametrize(
    ("rule", "service", "change"),
    [
        pytest.param(rule, service, change, id=f"{rule.__name__}-{service}-{what}".replace(" ", "_"))
        for rule, service, what, change in MUTATIONS
    ],
)
def test_the_rule_complains_of_the_service_that_breaks_it(rule: Rule, service: str, change: Change) -> None:
    project = copy.deepcopy(whole())
    change(project["services"][service])
    complaints = list(rule(project))
    assert complaints
    assert any(service in complaint for complaint in complaints), complaints


NETWORK_MUTATIONS: list[tuple[str, Change]] = [
    ("a way out of the bus", lambda n: n["bus"].pop("internal")),
    ("a way out of the data", lambda n: n["data"].update(internal=False)),
    ("no way in", lambda n: n["front"].update(internal=True)),
    ("one more", lambda n: n.update(other={})),
    ("somebody else's", lambda n: n["front"].update(external=True)),
    ("the machine's own", lambda n: n["relay"].update(driver="host")),
    ("the machine among the gateways", lambda n: n["relay"]["ipam"]["config"][0].pop("gateway")),
]


@pytest.mark.parametrize("change", [pytest.param(change, id=what) for what, change in NETWORK_MUTATIONS])
def test_networks_that_are_not_as_declared_are_complained_of(change: Change) -> None:
    project = copy.deepcopy(whole())
    change(project["networks"])
    assert list(wiring.is_on_its_networks(project))


def test_every_rule_is_seen_to_complain() -> None:
    assert {rule for rule, *_ in MUTATIONS} == set(rules.RULES)


def _port(number: int) -> Node:
    return {"mode": "ingress", "host_ip": "127.0.0.1", "target": number, "published": str(number), "protocol": "tcp"}


def _secret(volume: str) -> Node:
    return {"type": "volume", "source": volume, "target": "/run/secrets", "read_only": True}


def _bound(service: Node, folder: str) -> None:
    service["volumes"].append({"type": "bind", "source": str(ROOT / folder), "target": "/certs", "read_only": True})


def _waits(service: Node, other: str, condition: str) -> None:
    service["depends_on"][other]["condition"] = condition


def _without(service: Node, volume: str) -> None:
    service["volumes"] = [mount for mount in service["volumes"] if mount["source"] != volume]


def _asked(service: Node, *words: str) -> None:
    service["healthcheck"]["test"] = ["CMD", *words]
