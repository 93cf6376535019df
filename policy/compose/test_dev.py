"""What is added for working on it takes nothing of what holds away, and finds the sources that it is to run."""

from importlib.util import find_spec

import pytest
from policy.compose import containment, contents, declared, wiring
from policy.compose.project import ROOT, Node, environment_of, networks_of, rendered, services
from policy.compose.test_rules import Rule

STILL_HOLD: tuple[Rule, ...] = (
    containment.keeps_its_root_closed,
    containment.has_no_privileges,
    containment.is_not_root,
    containment.mounts_nothing_of_the_machine_to_write,
    containment.is_bounded,
    containment.comes_back,
    containment.has_time_to_end,
    wiring.publishes_on_loopback_alone,
    wiring.starts_after,
    contents.has_no_secret_in_its_environment,
    contents.sees_its_own_secrets,
)


def dev() -> Node:
    return rendered(files=("compose.yml", "compose.dev.yml"))


@pytest.mark.parametrize("rule", STILL_HOLD, ids=lambda rule: rule.__name__)
def test_for_working_on_it_the_rules_hold_as_well(rule: Rule) -> None:
    assert list(rule(dev())) == []


def test_what_is_added_is_vite_and_a_network_for_looking_into_the_servers() -> None:
    project, without = dev(), rendered()
    assert set(project["services"]) - set(without["services"]) == {"vite"}
    assert set(project["networks"]) - set(without["networks"]) == {"debug"}
    assert {name for name, service in services(project) if "debug" in networks_of(service)} == {"postgres", "nats"}


def test_every_service_runs_from_the_sources_and_is_started_again_when_they_change() -> None:
    for name in declared.OURS:
        if name in declared.ONE_SHOTS or name == "page":
            continue
        service = dev()["services"][name]
        module = name.replace("-", "_")
        assert service["entrypoint"] == ["python", "/src/dev/reload.py", module]
        assert find_spec(f"{module}.__main__") is not None
        assert service.get("command") == rendered()["services"][name].get("command")
    assert (ROOT / "deploy/dev/reload.py").is_file()


def test_a_service_watches_the_packages_and_its_own_source_and_no_other_services() -> None:
    # A package that no service imports is none of theirs.
    packages = {path.parent.name for path in ROOT.glob("packages/*/pyproject.toml")} - {"client"}
    found = {}
    for name, service in services(dev()):
        path = environment_of(service).get("PYTHONPATH")
        if path is None:
            continue
        *shared, own = path.split(":")
        assert set(shared) == {f"/src/packages/{package}/src" for package in packages}, name
        mounted = {mount["target"]: mount["source"] for mount in service["volumes"]}
        assert mounted["/src/packages"] == str(ROOT / "packages")
        found[name] = mounted[own]
    part = {name: ROOT / "services" / image / "src" for name, image in declared.OURS.items()}
    assert found == {name: str(source) for name, source in part.items() if source.is_dir()}


def test_what_vite_shows_is_mounted_and_what_it_asks_for_is_on_its_network() -> None:
    vite = dev()["services"]["vite"]
    for mount in vite["volumes"]:
        assert (ROOT / mount["source"]).exists(), mount["source"]
    assert networks_of(vite) == {"front"}
    assert "PROXY_TO" in (ROOT / "web/vite.config.ts").read_text()
    assert environment_of(vite)["PROXY_TO"] == "http://page:8080"
