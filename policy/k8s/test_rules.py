"""Every installation that we offer keeps every rule, and is what Kubernetes' own schemas take."""

import re
import subprocess
import sys

import kubernetes_validate
import pytest
from policy.k8s.objects import Node, named, pods
from policy.k8s.rendering import HEAD, K8S, OVERLAYS, RENDERED, ROOT, VARIANTS, kustomized, objects_of, text_of
from policy.k8s.rules import RULES, complaints

VERSIONS = ("1.34.0", "1.37.0")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_installation_keeps_the_rule(variant: str, rule: str) -> None:
    assert complaints(rule, objects_of(variant)) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_object_is_what_the_schema_of_its_version_says_and_has_no_further_fields(
    variant: str, version: str
) -> None:
    for found in objects_of(variant):
        kubernetes_validate.validate(found, version, strict=True)


def test_a_field_that_no_version_knows_is_refused() -> None:
    found = named(objects_of("local"), "Deployment", "agent")
    assert found is not None
    found["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(found, VERSIONS[0], strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_rendering_again_gives_the_same(overlay: str) -> None:
    assert kustomized(K8S / "overlays" / overlay) == text_of(overlay)


def test_the_rendered_file_is_the_local_overlay() -> None:
    assert RENDERED.read_text("utf-8") == HEAD + text_of("local"), "run: .venv/bin/python -m policy.k8s.rendered"


def test_what_prints_the_rendered_file_says_when_it_is_another() -> None:
    check = [sys.executable, "-m", "policy.k8s.rendered", "--check"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_databases_first_start_is_the_same_as_in_compose() -> None:
    """kustomize reads nothing outside of its folder, so it has a copy."""
    name = "10-store-role.sh"
    assert (K8S / "overlays" / "local" / name).read_bytes() == (ROOT / "deploy" / "postgres" / name).read_bytes()


@pytest.mark.parametrize("image", ["postgres", "nats", "coturn/coturn", "natsio/prometheus-nats-exporter"])
def test_servers_are_of_the_versions_that_compose_has(image: str) -> None:
    files = [ROOT / "compose.yml", ROOT / "deploy" / "observability" / "compose.yml"]
    composed = set(re.findall(rf"[ -]({image}:[\w.-]+)", "\n".join(file.read_text("utf-8") for file in files)))
    found = {
        one["image"].removeprefix("docker.io/").removeprefix("library/")
        for variant in VARIANTS
        for pod in pods(objects_of(variant))
        for one in pod.all_containers
        if f"/{image}:" in one["image"]
    }
    assert found == composed
    assert len(found) == 1


def test_production_is_given_the_secrets_that_the_cluster_would_make_and_those_of_tokens() -> None:
    from policy.k8s.secrets import made_elsewhere, made_in_the_cluster  # noqa: PLC0415

    made = {name: set(keys) for name, keys in made_in_the_cluster().items() if name != "postgres"}
    for door in ("signaling", "mcp-bridge"):
        made[door].add("auth_secret")
    assert {name: set(keys) for name, keys in made_elsewhere().items()} == made


def test_no_example_of_a_secret_holds_a_value() -> None:
    folder = K8S / "overlays" / "production" / "secrets"
    for example in folder.glob("*.env.example"):
        assert all(line.endswith("=") for line in example.read_text("utf-8").splitlines()), example
    with pytest.raises(subprocess.CalledProcessError):
        kustomized(folder)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_documentation_says_what_pods_request(overlay: str) -> None:
    memory = processors = 0
    for pod in pods(objects_of(overlay)):
        asked = [(_mebibytes(one), _thousandths(one)) for one in pod.containers]
        before = [(_mebibytes(one), _thousandths(one)) for one in pod.spec.get("initContainers", ())]
        count = pod.workload["spec"]["replicas"]
        memory += count * max(sum(one[0] for one in asked), *(one[0] for one in before), 0)
        processors += count * max(sum(one[1] for one in asked), *(one[1] for one in before), 0)
    told = " ".join((ROOT / "docs" / "kubernetes.md").read_text("utf-8").split())
    assert f"{memory} MiB and {processors}m" in told


def _mebibytes(container: Node) -> int:
    return int(container["resources"]["requests"]["memory"].removesuffix("Mi"))


def _thousandths(container: Node) -> int:
    return int(container["resources"]["requests"]["cpu"].removesuffix("m"))


def test_no_line_of_the_documentation_applies_only_where_diff_finds_nothing() -> None:
    """`kubectl diff` ends with 1 where there is a difference, which is when one applies."""
    for page in (ROOT / "docs").glob("*.md"):
        assert re.search(r"kubectl diff[^\n]*&&", page.read_text("utf-8")) is None, page
