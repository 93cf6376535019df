"""`python -m dashboards` writes grafana/dashboards/*.json anew; `--check` says which differ and fails."""

import sys
from pathlib import Path
from typing import Final

from dashboards import bus, connections, services, store, truth, turns
from dashboards.grafana import as_json
from dashboards.panels import Dashboard

DASHBOARDS: Final[tuple[Dashboard, ...]] = (
    turns.DASHBOARD,
    truth.DASHBOARD,
    connections.DASHBOARD,
    bus.DASHBOARD,
    store.DASHBOARD,
    services.DASHBOARD,
)
FOLDER: Final = Path(__file__).parents[2] / "grafana" / "dashboards"


def path_of(dashboard: Dashboard) -> Path:
    """Where its JSON stands."""
    return FOLDER / f"{dashboard.uid.removeprefix('todo-')}.json"


def main(arguments: list[str]) -> int:
    """The exit status: 1 when `--check` finds a file that is not what the data says."""
    differing = [one for one in DASHBOARDS if not path_of(one).is_file() or path_of(one).read_text() != as_json(one)]
    if "--check" in arguments:
        for one in differing:
            sys.stderr.write(f"{path_of(one).name} is not what dashboards/ says; run: python -m dashboards\n")
        return 1 if differing else 0
    for one in differing:
        path_of(one).write_text(as_json(one))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
