"""Where a panel leads: to traces in Tempo, and to the runbook."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

RUNBOOK: Final = "https://todo.example/docs/operations.md"
"""Put your own address here and in prometheus/alerts.yml; README.md has the line for it."""

TEMPO_VARIABLE: Final = "tempo"

# Left as they are: Grafana looks for its variables before the browser decodes the address.
_SAFE: Final = "${}[]:,._"


@dataclass(frozen=True)
class Link:
    title: str
    url: str


def traces(title: str, traceql: str) -> Link:
    """To Tempo's search in Explore, over the time that the dashboard shows. `traceql` may use Grafana's variables."""
    pane = {
        "datasource": f"${{{TEMPO_VARIABLE}}}",
        "queries": [
            {
                "refId": "A",
                "queryType": "traceql",
                "query": traceql,
                "limit": 20,
                "datasource": {"type": "tempo", "uid": f"${{{TEMPO_VARIABLE}}}"},
            }
        ],
        "range": {"from": "${__from}", "to": "${__to}"},
    }
    panes = quote(json.dumps({"found": pane}, separators=(",", ":")), safe=_SAFE)
    return Link(title, f"/explore?schemaVersion=1&panes={panes}&orgId=1")


def runbook(anchor: str) -> Link:
    """To an alert's entry in docs/operations.md."""
    return Link("Runbook", f"{RUNBOOK}#{anchor}")
