"""From our data to Grafana's dashboard JSON, by Grafana's own models. Pure: a dashboard in, its text out."""

import json
from collections.abc import Iterable
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, logs, loki, prometheus, stat, table, tempo, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import tempo as tempo_models

from dashboards.links import Link
from dashboards.panels import (
    COLOURS,
    PROMQL,
    Colour,
    Dashboard,
    Logs,
    Panel,
    Query,
    Series,
    Source,
    Stat,
    Steps,
    Traces,
    queries,
)

TAG: Final = "todo-agent"
STAT_HEIGHT: Final = 4
PANEL_HEIGHT: Final = 8
TRACES_SHOWN: Final = 20
OF_MEANING: Final = frozenset({"{{outcome}}", "{{verdict}}"})
"""Legends whose series have a colour of their own."""

AnyPanel = stat.Panel | timeseries.Panel | table.Panel | logs.Panel


def as_json(made: Dashboard) -> str:
    """What Grafana reads."""
    text = json.dumps(_dashboard(made).build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False)
    return text + "\n"


def _dashboard(made: Dashboard) -> dashboard.Dashboard:
    shown = (
        dashboard.Dashboard(made.title)
        .uid(made.uid)
        .description(made.description)
        .tags([TAG])
        .editable()
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("To-do agent")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(False)
            .include_vars(False)
            .keep_time(True)
        )
        .with_variable(_source("datasource", "Metrics", "prometheus"))
        .with_variable(_source("tempo", "Traces", "tempo"))
        .with_variable(_source("loki", "Logs", "loki"))
        .annotation(_firing())
    )
    if made.jobs:
        shown = shown.with_variable(_jobs())
    number = 1
    for row in made.rows:
        shown = shown.with_row(dashboard.Row(row.title).id(number))
        number += 1
        for panel in row.panels:
            shown = shown.with_panel(_panel(panel).id(number))
            number += 1
    return shown


def _source(name: str, label: str, plugin: str) -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable(name).label(label).type(plugin)


def _jobs() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("job")
        .label("Service")
        .datasource(_reference("prometheus", "datasource"))
        .query("label_values(todo_bus_connected, job)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(models.VariableOption(text="All", value="$__all", selected=True))
    )


def _firing() -> dashboard.AnnotationQuery:
    """Marks on every graph of when an alert fired. Prometheus writes ALERTS itself."""
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .enable(True)
        .icon_color(Colour.BAD)
        .datasource(_reference("prometheus", "datasource"))
        .expr('ALERTS{alertstate="firing"}')
    )


def _reference(plugin: str, variable: str) -> models.DataSourceRef:
    return models.DataSourceRef(type_val=plugin, uid=f"${{{variable}}}")


def _reference_of(source: Source) -> models.DataSourceRef:
    if source in PROMQL:
        return _reference("prometheus", "datasource")
    return _reference(source.value, source.value)


def _panel(panel: Panel) -> AnyPanel:
    shown = _shape(panel)
    shown = (
        shown.title(panel.title)
        .description(panel.description)
        .span(panel.width)
        .height(STAT_HEIGHT if isinstance(panel, Stat) else PANEL_HEIGHT)
        .datasource(_reference_of(queries(panel)[0].source))
        .links(_links(panel.links))
    )
    for letter, query in zip("ABCDEFGH", queries(panel), strict=False):
        shown = shown.with_target(_target(query, letter, instant=isinstance(panel, Stat)))
    return shown


def _shape(panel: Panel) -> AnyPanel:
    match panel:
        case Stat():
            return _stat(panel)
        case Series():
            return _series(panel)
        case Traces():
            return table.Panel()
        case Logs():
            return logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)


def _stat(panel: Stat) -> stat.Panel:
    return (
        stat.Panel()
        .unit(panel.unit)
        .thresholds(_thresholds(panel.steps))
        .color_mode(kinds.BigValueColorMode.VALUE)
        .graph_mode(kinds.BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )


def _series(panel: Series) -> timeseries.Panel:
    shown = (
        timeseries.Panel()
        .unit(panel.unit)
        .min(0)
        .line_width(1)
        .fill_opacity(30 if panel.stacked else 8)
        .show_points(kinds.VisibilityMode.NEVER)
        .span_nulls(False)
        .thresholds(_thresholds(panel.steps))
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI).sort(kinds.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(kinds.LegendDisplayMode.TABLE)
            .placement(kinds.LegendPlacement.RIGHT)
            .show_legend(True)
            .calcs(["lastNotNull", "max"])
        )
    )
    if panel.stacked:
        shown = shown.stacking(common.StackingConfig().mode(kinds.StackingMode.NORMAL).group("A"))
    if panel.at_most is not None:
        shown = shown.max(panel.at_most)
    if panel.steps != Steps():
        lines = common.GraphThresholdsStyleConfig().mode(kinds.GraphThresholdsStyleMode.DASHED)
        shown = shown.thresholds_style(lines)
    if panel.point is not None:
        shown = shown.data_links(_links((panel.point,)))
    for name, colour in COLOURS.items() if OF_MEANING & {query.legend for query in panel.queries} else ():
        fixed = {"mode": "fixed", "fixedColor": colour.value}
        shown = shown.override_by_name(name, [models.DynamicConfigValue(id_val="color", value=fixed)])
    return shown


def _target(query: Query, letter: str, *, instant: bool) -> Builder[Dataquery]:
    reference = _reference_of(query.source)
    match query.source:
        case Source.TEMPO:
            return (
                tempo.TempoQuery()
                .query(query.expr)
                .query_type("traceql")
                .limit(TRACES_SHOWN)
                .table_type(tempo_models.SearchTableType.TRACES)
                .ref_id(letter)
                .datasource(reference)
            )
        case Source.LOKI:
            return loki.Dataquery().expr(query.expr).ref_id(letter).datasource(reference)
        case _:
            asked = prometheus.Dataquery().expr(query.expr).ref_id(letter).datasource(reference)
            asked = asked.legend_format(query.legend or "__auto")
            return asked.instant() if instant else asked.range()


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """From each value on, a colour; the first is that of all below."""
    if steps == Steps():
        ordered: list[tuple[float | None, Colour]] = [(None, Colour.NEUTRAL)]
    elif steps.falling:
        lowest = Colour.WARNING if steps.bad is None else Colour.BAD
        middle = Colour.GOOD if steps.warning is None else Colour.WARNING
        ordered = [(None, lowest), (steps.bad, middle), (steps.warning, Colour.GOOD)]
    else:
        ordered = [(None, Colour.GOOD), (steps.warning, Colour.WARNING), (steps.bad, Colour.BAD)]
    known = [models.Threshold(value=value, color=colour) for value, colour in ordered if value is not None]
    first = models.Threshold(value=None, color=ordered[0][1])
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps([first, *known])


def _links(found: Iterable[Link]) -> list[Builder[models.DashboardLink]]:
    return [dashboard.DashboardLink(link.title).url(link.url).target_blank(True) for link in found]
