"""What people set: .env.example names every variable of the compose files, and what is set arrives where it belongs."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from policy.compose import contents, declared, wiring
from policy.compose.known_variables import SETTINGS
from policy.compose.project import ROOT, Node, environment_of, rendered, services

from provision import nats_server, secrets
from rtc_gateway import addresses
from rtc_gateway.addresses import LocalAddress

EXAMPLE = ROOT / ".env.example"
FILES = ("compose.yml", "compose.dev.yml", "deploy/observability/compose.yml")
OF_COMPOSE = {"COMPOSE_PROFILES"}
"""Read by Compose itself, so that no file interpolates them."""
OF_MAKE_CERTS = {"CERT_NAMES"}
FOUR = {"POSTGRES_USER": "ada", "POSTGRES_PASSWORD": "given", "POSTGRES_DB": "lists", "DOCKER_HOST_IP": "192.168.1.20"}
AUTH_SECRET = "a-secret-of-the-tests-that-is-long-enough"
LAN = {"DOCKER_HOST_IP": "192.168.1.20", "PUBLISHED_ON": "192.168.1.20", "AUTH_SECRET": AUTH_SECRET}
MARKERS = {name: f"marker-{name.lower()}-marker" for name in sorted(declared.GIVEN["secrets"] | {"GRAFANA_PASSWORD"})}


def interpolated() -> dict[str, set[str]]:
    """Every variable that a compose file names, with the values that stand for it where it is not set."""
    found: dict[str, set[str]] = {}
    for file in FILES:
        text = re.sub(r"(^|\s)#.*", "", (ROOT / file).read_text())
        for name, default in re.findall(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}$]*))?", text):
            found.setdefault(name, set()).add(default)
    return found


def example() -> dict[str, str]:
    """Those that stand behind a # without a space as well: images, which would stay behind in a copy."""
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(), flags=re.MULTILINE))


def test_a_copy_of_the_example_pins_no_image_that_the_next_release_replaces() -> None:
    assert re.findall(r"^[A-Z]+_IMAGE=", EXAMPLE.read_text(), flags=re.MULTILINE) == []


def test_the_example_names_every_variable_and_none_else() -> None:
    assert set(example()) == set(interpolated()) | OF_COMPOSE


def test_the_example_names_each_variable_once() -> None:
    names = re.findall(r"^([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), flags=re.MULTILINE)
    assert sorted(names) == sorted(set(names))


def test_the_example_says_something_of_every_variable() -> None:
    paragraph_explained = False
    for line in EXAMPLE.read_text().splitlines():
        if line.startswith("#"):
            paragraph_explained = True
        elif not line:
            paragraph_explained = False
        else:
            assert paragraph_explained, f"{line}: no comment stands in front of it"


def test_the_page_about_compose_names_no_variable_and_no_port_that_there_is_not() -> None:
    text = (ROOT / "docs/compose.md").read_text()
    named = set(re.findall(r"(?:`|^ +)([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]", text, flags=re.MULTILINE))
    assert set(FOUR) <= named
    assert named - OF_MAKE_CERTS <= set(example())
    table = text[text.index("| port |") : text.index("No port of a gateway")]
    assert {int(port) for port in re.findall(r"\b\d{4,5}\b", table)} == {port for *_, port, _, _ in declared.PUBLISHED}
    networks = text[text.index("| network |") : text.index("## LM Studio")]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|[^|]*\| (yes|no)", networks, flags=re.MULTILINE))
    assert {name for name, out in rows.items() if out == "no"} == declared.INTERNAL
    assert set(rows) == set(declared.NETWORKS)


def test_what_the_example_sets_is_what_holds_without_it() -> None:
    assert rendered(variables=example()) == rendered()


def test_the_four_variables_that_people_know_are_enough() -> None:
    project = rendered(variables=FOUR)
    database = environment_of(project["services"]["postgres"])
    assert (database["POSTGRES_USER"], database["POSTGRES_DB"]) == ("ada", "lists")
    step = environment_of(project["services"]["secrets"])
    assert (step["POSTGRES_USER"], step["POSTGRES_PASSWORD"], step["POSTGRES_DB"]) == ("ada", "given", "lists")
    assert "turn:192.168.1.20:3478?transport=udp" in environment_of(project["services"]["signaling"])["TURN_URLS"]
    assert list(wiring.publishes(project, {"PUBLISHED_ON": "127.0.0.1", "DOCKER_HOST_IP": "192.168.1.20"})) == []


def test_on_a_lan_https_and_turn_are_published_there_and_nothing_else() -> None:
    assert list(wiring.publishes(rendered(variables=LAN), LAN)) == []


def test_a_lan_is_complained_of_where_loopback_was_meant() -> None:
    complaints = list(wiring.publishes_on_loopback_alone(rendered(variables=LAN)))
    assert {complaint.split(":")[0] for complaint in complaints} == {"page", "coturn"}


def test_secrets_that_a_person_gives_are_told_to_those_who_are_declared_and_to_nobody_else() -> None:
    assert list(contents.tells_given_secrets_to_no_other(rendered(variables=MARKERS), MARKERS)) == []


@pytest.mark.parametrize("variable", sorted(MARKERS))
def test_a_given_secret_that_is_told_to_another_is_complained_of(variable: str) -> None:
    project = rendered(variables=MARKERS)
    project["services"]["page"]["environment"] = {"HARMLESS": f"x{MARKERS[variable]}"}
    project["services"]["nats"]["labels"] = {"of": MARKERS[variable]}
    assert set(contents.tells_given_secrets_to_no_other(project, MARKERS)) == {
        f"page: HARMLESS holds {variable}",
        f"nats: {variable} stands outside of its environment",
    }


@pytest.mark.parametrize("variables", [{}, LAN], ids=["on_loopback", "on_a_lan_with_tokens"])
@pytest.mark.parametrize("service", sorted(SETTINGS))
def test_the_service_takes_what_it_is_told(
    service: str, variables: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_of(rendered(variables=variables)["services"][service], service, variables, tmp_path, monkeypatch)
    settings = SETTINGS[service]()
    assert settings.http_host == "0.0.0.0"  # noqa: S104 - what its image says
    if service != "migrate":
        assert settings.nats_url == "nats://nats:4222"
        assert settings.nats_password.get_secret_value()
        assert settings.metrics_port == 9464


@pytest.mark.parametrize("service", ["signaling", "mcp-bridge"])
def test_published_beyond_loopback_without_tokens_both_doors_refuse_to_start(
    service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_to_all = {name: value for name, value in LAN.items() if name != "AUTH_SECRET"}
    told_of(rendered(variables=open_to_all)["services"][service], service, open_to_all, tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="PUBLISHED_ON"):
        SETTINGS[service]()


def told_of(
    container: Node, service: str, variables: Mapping[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process has the container's environment, with the image's own part, and its secrets in `folder`."""
    for name in os.environ:
        if name not in {"PATH", "HOME"}:
            monkeypatch.delenv(name)
    given = secrets.Given(variables.get("AUTH_SECRET", ""), variables.get("MODEL_API_KEY", ""))
    place = nats_server.Place(name="nats", listen="0.0.0.0:4222", store="/data")
    layout = secrets.laid_out(secrets.made({}, secrets.Database()), secrets.Database(), place, given)
    for name, content in layout["todo-store" if service == "migrate" else service].items():
        (folder / name).write_text(content)
    for name, value in {"HTTP_HOST": "0.0.0.0", "HTTP_PORT": "8080", **environment_of(container)}.items():  # noqa: S104
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SECRETS_DIR", str(folder))
    in_the_relay = LocalAddress("eth1", ipaddress.ip_address("172.31.250.128"))
    monkeypatch.setattr(addresses, "addresses_of_this_machine", lambda: (in_the_relay,))


def test_images_are_built_on_the_bases_that_their_files_name() -> None:
    for name, service in services(rendered()):
        if "build" not in service:
            continue
        text = (ROOT / service["build"]["dockerfile"]).read_text()
        named = dict(re.findall(r"^ARG ([A-Z_]+_IMAGE)=(\S+)$", text, flags=re.MULTILINE))
        told = {key: value for key, value in service["build"]["args"].items() if key.endswith("_IMAGE")}
        assert told == named, name
        for base in named.values():
            assert re.search(r":v?\d+\.\d+\.\d+", base), f"{name}: {base} is not pinned"


def test_what_is_built_is_a_service_that_there_is() -> None:
    for name, service in services(rendered()):
        part = service.get("build", {}).get("args", {}).get("SERVICE")
        if part is not None:
            assert part == declared.OURS[name]
            assert list(ROOT.glob(f"*/{part}/pyproject.toml")), part
