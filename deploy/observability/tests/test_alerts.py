"""Every alert fires, clears, asks for what is measured, and leads to an entry of the runbook. promtool is Debian's."""

import math
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.observability.tests.programs import tool

from bus.metering import AT_ZERO_MAX
from contracts.instruments import Kind
from dashboards.__main__ import DASHBOARDS
from dashboards.links import RUNBOOK
from dashboards.vocabulary import problems, selectors

FOLDER = Path(__file__).parents[1]
RULES = FOLDER / "prometheus" / "alerts.yml"
UNIT_TESTS = FOLDER / "tests" / "alerts_test.yml"
OPERATIONS = FOLDER.parents[1] / "docs" / "operations.md"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
]
# Of programs that are not ours; see README.md.
OTHERS = frozenset({"gnatsd_varz_slow_consumers"})


def promtool(*arguments: str) -> None:
    done = subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_rules_and_the_configuration() -> None:
    promtool("check", "rules", str(RULES))
    promtool("check", "config", "--syntax-only", str(FOLDER / "prometheus" / "prometheus.yml"))


def test_a_relay_is_scraped_only_where_it_was_asked_for_and_then_by_a_fixed_target() -> None:
    jobs = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (coturn,) = (job for job in jobs if job["job_name"] == "coturn")
    assert set(coturn) == {"job_name", "file_sd_configs"}
    (shown,) = (FOLDER / "prometheus" / "targets").glob("coturn*")
    assert shown.name == "coturn.yml.example"  # which no pattern of files for Prometheus takes
    assert yaml.safe_load(shown.read_text()) == [{"targets": ["coturn:9641"]}]
    relay_down = next(alert for alert in ALERTS if alert["alert"] == "TurnRelayDown")
    assert "absent" not in relay_down["expr"]


def test_promtool_makes_every_alert_fire_and_clear() -> None:
    promtool("test", "rules", str(UNIT_TESTS))


def test_an_alert_that_never_fires_and_one_that_never_clears_fail_that_test(tmp_path: Path) -> None:
    deadly = next(alert for alert in ALERTS if alert["alert"] == "DeadLetters")
    tests = yaml.safe_load(UNIT_TESTS.read_text())
    its_own = [one for one in tests["tests"] if one["name"].startswith("DeadLetters")]
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({**tests, "rule_files": ["rules.yml"], "tests": its_own}))
    for broken in ("vector(0) > 1", "vector(1)"):
        rules = {"groups": [{"name": "broken", "rules": [{**deadly, "expr": broken}]}]}
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules))
        with pytest.raises(AssertionError, match="DeadLetters"):
            promtool("test", "rules", str(tmp_path / "tests.yml"))


def test_each_alert_has_a_moment_when_it_fires_and_a_later_one_when_it_does_not() -> None:
    fires, clears = set(), set()
    for one in yaml.safe_load(UNIT_TESTS.read_text())["tests"]:
        fired_before = set()
        for asked in one["promql_expr_test"]:
            name = re.search(r'alertname="(\w+)"', asked["expr"])
            assert name is not None
            if asked.get("exp_samples"):
                fired_before.add(name.group(1))
            elif name.group(1) in fired_before:
                clears.add(name.group(1))
        fires |= fired_before
    names = {alert["alert"] for alert in ALERTS}
    assert fires == names
    assert clears == names


def test_what_an_alert_prints_of_its_value_is_held_to_a_sentence() -> None:
    printing = {alert["alert"] for alert in ALERTS if "$value" in str(alert["annotations"])}
    tests = yaml.safe_load(UNIT_TESTS.read_text())["tests"]
    rule_tests = [rule for one in tests for rule in one.get("alert_rule_test", ())]
    held = {rule["alertname"] for rule in rule_tests if any(one.get("exp_annotations") for one in rule["exp_alerts"])}
    assert printing
    assert printing - held == set()


def test_alerts_ask_for_what_our_services_measure() -> None:
    wrong = [f"{alert['alert']}: {problem}" for alert in ALERTS for problem in problems(alert["expr"])]
    assert [one for one in wrong if not any(f"{other} is no series" in one for other in OTHERS)] == []
    assert {selector.series for alert in ALERTS for selector in selectors(alert["expr"])} >= OTHERS


def test_counters_that_alerts_ask_for_begin_at_zero_so_that_the_first_count_is_an_increase() -> None:
    asked = {selector.instrument for alert in ALERTS for selector in selectors(alert["expr"])}
    counters = [one for one in asked if one is not None and one.kind is Kind.COUNTER]
    assert counters
    assert [one.name for one in counters if math.prod(len(label.values) for label in one.labels) > AT_ZERO_MAX] == []


def test_every_alert_has_a_severity_words_and_an_entry_in_the_runbook() -> None:
    anchors = runbook_anchors()
    for alert in ALERTS:
        assert alert["labels"]["severity"] in {"critical", "warning"}, alert["alert"]
        notes = alert["annotations"]
        assert notes["summary"], alert["alert"]
        assert notes["description"], alert["alert"]
        address, _, anchor = notes["runbook_url"].partition("#")
        assert address == RUNBOOK, alert["alert"]
        assert anchor.replace("-", "") == alert["alert"].lower(), alert["alert"]
        assert anchor in anchors, alert["alert"]
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)
    assert len(anchors) == len(ALERTS)


def test_every_link_of_a_panel_to_the_runbook_arrives() -> None:
    links = [link for dashboard in DASHBOARDS for panel in dashboard.panels for link in panel.links]
    anchors = {link.url.partition("#")[2] for link in links if link.url.startswith(RUNBOOK)}
    assert anchors == runbook_anchors()


def test_every_entry_says_what_it_means_where_to_look_what_to_do_and_when_it_is_over() -> None:
    entries = re.split(r"^### ", _alerts_chapter(), flags=re.MULTILINE)[1:]
    for entry in entries:
        for part in ("**For users.**", "**Look.**", "**Do.**", "**Over.**"):
            assert part in entry, f"{entry.splitlines()[0]} has no {part}"


def test_panels_that_the_runbook_names_are_there() -> None:
    titles = {panel.title for dashboard in DASHBOARDS for panel in dashboard.panels}
    names = {dashboard.title for dashboard in DASHBOARDS}
    emphasised = set(re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*(?!\*)", OPERATIONS.read_text()))
    assert emphasised
    assert emphasised - titles - names == set()


def runbook_anchors() -> set[str]:
    """Of its entries for alerts, as Markdown renderers make them of headings."""
    return {
        heading.lower().replace(" ", "-")
        for heading in re.findall(r"^### (.+)$", _alerts_chapter(), flags=re.MULTILINE)
    }


def _alerts_chapter() -> str:
    chapter = re.search(r"^## Alerts\n(.*?)(?=^## |\Z)", OPERATIONS.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert chapter is not None
    return chapter.group(1)
