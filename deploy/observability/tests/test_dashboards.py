"""The dashboards ask for what our services measure, say how to be read, and are what Grafana takes."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from contracts.conventions import AGENT_NAME, CONFIRM, INVOKE_AGENT, RESOURCE_ATTRIBUTES, SPAN_ATTRIBUTES
from contracts.metrics import INSTRUMENTS
from dashboards.__main__ import DASHBOARDS, main, path_of
from dashboards.panels import PROMQL, Logs, Series, Source, Traces, Unit, queries
from dashboards.vocabulary import problems, selectors

PANELS = [(f"{dashboard.title}: {panel.title}", panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
ASKED = [(where, query) for where, panel in PANELS for query in queries(panel)]
VARIABLES = {"${datasource}", "${tempo}", "${loki}"}
SPAN_NAMES = {CONFIRM, f"{INVOKE_AGENT} {AGENT_NAME}"}
# What TraceQL itself knows of a span.
INTRINSICS = {"name", "kind", "duration", "status"}


def test_there_are_the_six_dashboards_that_operators_know_by_name() -> None:
    assert [dashboard.title for dashboard in DASHBOARDS] == [
        "Turns",
        "Truth",
        "Connections",
        "Bus",
        "Store",
        "Services",
    ]


def test_the_files_are_what_the_data_says() -> None:
    assert main(["--check"]) == 0
    assert {path_of(dashboard) for dashboard in DASHBOARDS} == set(path_of(DASHBOARDS[0]).parent.glob("*"))


def test_queries_of_our_metrics_use_the_series_labels_and_values_that_the_table_has() -> None:
    wrong = [
        f"{where}: {problem}"
        for where, query in ASKED
        if query.source is Source.OURS
        for problem in problems(query.expr)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ("rate(todo_turn_total[5m])", "todo_turn_total is no series of contracts.metrics"),
        ('todo_turns_total{verdict="refuted"}', "todo_turns_total has no label verdict"),
        ('todo_turns_total{outcome="done"}', "todo_turns_total: outcome is never done"),
        ('todo_turns_total{outcome=~"failed|done"}', "todo_turns_total: outcome is never done"),
        ("sum by (door) (todo_turns_total)", "todo_turns_total has no label door"),
        ("sum by (le) (todo_turn_duration_seconds_sum)", "todo_turn_duration_seconds_sum has no label le"),
    ],
)
def test_a_query_of_what_is_not_measured_is_named(expr: str, problem: str) -> None:
    assert list(problems(expr)) == [problem]


def test_every_query_of_somebody_elses_metrics_is_promql_too() -> None:
    others = [query for _, query in ASKED if query.source in PROMQL - {Source.OURS}]
    assert all(selectors(query.expr) for query in others)
    assert all(selector.instrument is None for query in others for selector in selectors(query.expr))


def test_every_metric_that_we_measure_is_on_some_panel() -> None:
    ours = [query for _, query in ASKED if query.source is Source.OURS]
    shown = {selector.instrument for query in ours for selector in selectors(query.expr)}
    assert [instrument.name for instrument in INSTRUMENTS if instrument not in shown] == []


def test_every_panel_has_queries_of_one_source_and_says_how_to_read_it() -> None:
    for where, panel in PANELS:
        assert len({query.source in PROMQL or query.source for query in queries(panel)}) == 1, where
        assert len(panel.description) > 10, where
        assert panel.description.endswith((".", "?")), where
    for dashboard in DASHBOARDS:
        titles = Counter((row.title, panel.title) for row in dashboard.rows for panel in row.panels)
        assert titles.most_common(1)[0][1] == 1, dashboard.title


def test_bytes_a_second_are_shown_as_such() -> None:
    for where, panel in PANELS:
        if isinstance(panel, Series):
            a_second = [query.expr for query in panel.queries if re.search(r"\brate\(", query.expr)]
            assert panel.unit is not Unit.BYTES or a_second == [], where
            assert panel.unit is not Unit.BYTES_PER_SECOND or len(a_second) == len(panel.queries), where


def test_every_series_of_a_panel_with_several_is_named() -> None:
    for where, panel in PANELS:
        if isinstance(panel, Series):
            assert all(query.legend for query in panel.queries), where


def test_a_legend_names_only_labels_that_its_series_keep() -> None:
    for where, panel in PANELS:
        for query in queries(panel) if not isinstance(panel, Logs | Traces) else ():
            kept = set(re.findall(r"by \(([^)]*)\)", query.expr.replace("le, ", "").replace("le", "")))
            labels = {label.strip() for group in kept for label in group.split(",")}
            assert set(re.findall(r"{{(\w+)}}", query.legend)) <= labels, where


def test_grafana_finds_data_sources_by_variables_and_dashboards_by_ids_of_their_own() -> None:
    uids = []
    for dashboard in DASHBOARDS:
        made = json.loads(path_of(dashboard).read_text())
        uids.append(made["uid"])
        assert {found["uid"] for found in _data_sources(made)} <= VARIABLES
        assert {variable["type"] for variable in made["templating"]["list"]} <= {"datasource", "query"}
        ids = [panel["id"] for panel in made["panels"]]
        assert len(ids) == len(set(ids))
        assert made["time"] == {"from": "now-1h", "to": "now"}
        for panel in made["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]
            assert panel["type"] == "row" or panel["targets"], panel["title"]
    assert len(uids) == len(set(uids))


def test_traceql_asks_for_attributes_that_our_spans_have() -> None:
    asked = [query.expr for _, query in ASKED if query.source is Source.TEMPO]
    for _, panel in PANELS:
        links = (*panel.links, *((panel.point,) if isinstance(panel, Series) and panel.point else ()))
        asked += [_traceql(link.url) for link in links if "traceql" in link.url]
    assert len(asked) > 10
    for query in asked:
        found = set(re.findall(r"\b(span|resource)\.([a-z][a-z_.]*[a-z_])", query))
        known = {("span", name) for name in SPAN_ATTRIBUTES} | {("resource", name) for name in RESOURCE_ATTRIBUTES}
        assert found <= known, query
        bare = re.sub(r"\$\{[^}]*\}", "", query)
        names = set(re.findall(r"(?<![\w.\"])([a-z]+)\s*(?:=~|!=|=|>|<)", bare))
        assert names <= INTRINSICS, query
        assert found or names, query
        assert set(re.findall(r'(?<![\w.])name = "([^"]*)"', query)) <= SPAN_NAMES, query


def test_queries_that_are_not_run_here_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    not_run = [
        f"{query.source.value:14}{where}: {query.expr}" for where, query in ASKED if query.source is not Source.OURS
    ]
    with capsys.disabled():
        print("\nnot run here, since their programs are not to be had without containers:", *not_run, sep="\n  ")  # noqa: T201
    counted = Counter(query.source for _, query in ASKED)
    assert counted[Source.NATS_EXPORTER] == 8
    assert counted[Source.COTURN] == 7
    assert counted[Source.TEMPO] == 2
    assert counted[Source.LOKI] == 1
    assert counted[Source.OURS] > 100


def _data_sources(made: object) -> Iterator[dict[str, str]]:
    if isinstance(made, dict):
        if isinstance(made.get("datasource"), dict):
            yield made["datasource"]
        for value in made.values():
            yield from _data_sources(value)
    elif isinstance(made, list):
        for value in made:
            yield from _data_sources(value)


def _traceql(url: str) -> str:
    panes = re.search(r"panes=([^&]*)", url)
    assert panes is not None, url
    found = json.loads(unquote(panes.group(1)))
    assert found["found"]["datasource"] == "${tempo}"
    return str(found["found"]["queries"][0]["query"])
