"""Where the stack's metrics are, as a file that Prometheus reads and watches (`file_sd_configs`)."""

import json
from collections.abc import Iterable
from pathlib import Path

from local_stack.keeper import Kept
from local_stack.ports import LOOPBACK


def targets(kept: Iterable[Kept]) -> list[dict[str, object]]:
    """One for each process that is scraped. `job` and `instance` are what OTLP makes of service.name and
    service.instance.id, so that a query does not care how a metric came."""
    return [
        {"targets": [f"{LOOPBACK}:{one.metrics_port}"], "labels": {"job": one.job, "instance": one.name}}
        for one in kept
        if one.metrics_port is not None
    ]


def write_targets(path: Path, kept: Iterable[Kept]) -> None:
    """Write the file whole. Anybody who reaches it may read it: there are only ports in it."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(json.dumps(targets(kept), indent=2) + "\n", encoding="utf-8")
    fresh.chmod(0o644)
    fresh.replace(path)
