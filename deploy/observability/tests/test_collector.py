"""The Collector's configuration holds together, and lets out only what our spans are allowed to have.

There is no Collector here to try it with: it is a Go program that no package registry has.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from contracts.conventions import OF_OPERATORS, RESOURCE_ATTRIBUTES, SPAN_ATTRIBUTES

FOLDER = Path(__file__).parents[1]
TRACING = FOLDER.parents[1] / "docs" / "tracing.md"
CONFIGURATION: dict[str, Any] = yaml.safe_load((FOLDER / "collector.yml").read_text())
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yml").read_text())
KINDS = ("receivers", "processors", "exporters")


def test_every_part_that_a_pipeline_names_is_there_and_every_part_is_used() -> None:
    pipelines = CONFIGURATION["service"]["pipelines"]
    for kind in KINDS:
        named = {part for pipeline in pipelines.values() for part in pipeline[kind]}
        assert named == set(CONFIGURATION[kind]), kind
    assert set(CONFIGURATION["service"]["extensions"]) == set(CONFIGURATION["extensions"])


def test_every_pipeline_is_bounded_first_and_batched_last() -> None:
    for name, pipeline in CONFIGURATION["service"]["pipelines"].items():
        assert pipeline["processors"][0] == "memory_limiter", name
        assert pipeline["processors"][-1] == "batch", name


def test_nothing_leaves_without_passing_a_redaction() -> None:
    for name, pipeline in CONFIGURATION["service"]["pipelines"].items():
        assert any(part.startswith("redaction/") for part in pipeline["processors"]), name


def test_metrics_do_not_come_this_way_since_they_are_scraped() -> None:
    assert not [name for name in CONFIGURATION["service"]["pipelines"] if name.startswith("metrics")]


def test_the_attributes_that_may_leave_are_those_that_our_spans_and_resources_have() -> None:
    redaction = CONFIGURATION["processors"]["redaction/spans"]
    assert redaction["allow_all_keys"] is False
    assert redaction["allowed_keys"] == sorted(SPAN_ATTRIBUTES | RESOURCE_ATTRIBUTES | OF_OPERATORS)


def test_what_the_page_on_tracing_says_can_be_added_to_every_span_arrives() -> None:
    row = re.search(r"^\| `OTEL_RESOURCE_ATTRIBUTES` .*$", TRACING.read_text(), flags=re.MULTILINE)
    assert row is not None
    named = re.findall(r"`([a-z.]+)(?:=\w+)?`", row.group())
    assert named
    assert set(named) <= set(CONFIGURATION["processors"]["redaction/spans"]["allowed_keys"])


def test_no_processor_asks_for_an_attribute_that_our_spans_do_not_have() -> None:
    for name in CONFIGURATION["service"]["pipelines"]["traces"]["processors"]:
        asked = set(re.findall(r'attributes\["([^"]+)"\]', str(CONFIGURATION["processors"][name])))
        assert asked <= SPAN_ATTRIBUTES | RESOURCE_ATTRIBUTES, name


def test_secrets_are_masked_and_ordinary_values_are_not() -> None:
    patterns = CONFIGURATION["processors"]["redaction/logs"]["blocked_values"]
    secrets = (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJlc2lnbmF0dXJl",
        "Bearer abcdefghijklmnop1234",
        "postgresql://store:hunter2@127.0.0.1:5432/todo",
    )
    for secret in secrets:
        assert [pattern for pattern in patterns if re.search(pattern, secret)], secret
    for ordinary in ("rpc.todo.v1.apply", "http://127.0.0.1:1234/v1", "model_unreachable", "cannot run"):
        assert not [pattern for pattern in patterns if re.search(pattern, ordinary)], ordinary


def test_the_compose_file_is_one_by_the_specification() -> None:
    checked = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.compose-spec", str(FOLDER / "compose.yml")]
    )
    assert checked.exit_code == 0, checked.output


def test_compose_mounts_files_that_exist_publishes_on_the_loopback_and_pins_images() -> None:
    for name, service in COMPOSE["services"].items():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+\.\d+", service["image"]), name
        assert service["profiles"] == ["observability"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (FOLDER / source).exists(), volume


def test_the_collectors_ports_are_those_that_compose_publishes() -> None:
    published = {int(port.split(":")[-1]) for port in COMPOSE["services"]["lgtm"]["ports"]}
    receivers = CONFIGURATION["receivers"]
    listening = [*receivers["otlp"]["protocols"].values(), receivers["fluent_forward"]]
    assert {int(one["endpoint"].split(":")[-1]) for one in listening} <= published
