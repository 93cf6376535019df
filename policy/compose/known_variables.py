"""The environment variables that each container knows, from where they are read."""

import re
from functools import cache
from typing import Final

from policy.compose.project import ROOT

import agent.settings
import mcp_bridge.settings
import rtc_gateway.settings
import signaling.settings
import todo_store.settings
from runtime.settings import ServiceSettings

SETTINGS: Final[dict[str, type[ServiceSettings]]] = {
    "agent": agent.settings.Settings,
    "mcp-bridge": mcp_bridge.settings.Settings,
    "rtc-gateway": rtc_gateway.settings.Settings,
    "signaling": signaling.settings.Settings,
    "todo-store": todo_store.settings.Settings,
    "migrate": todo_store.settings.Settings,
}
_OF_EVERY_SERVICE: Final = {"SECRETS_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_METRICS_EXPORTER"}
_OF_IMAGES: Final = {
    "postgres": {"POSTGRES_USER", "POSTGRES_PASSWORD_FILE", "POSTGRES_DB", "POSTGRES_INITDB_ARGS", "PGDATA"},
    "nats": {"http_proxy"},
    "lgtm": {
        "GF_AUTH_ANONYMOUS_ENABLED",
        "GF_AUTH_ANONYMOUS_ORG_ROLE",
        "GF_SECURITY_ADMIN_PASSWORD",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH",
    },
}


@cache
def known(name: str) -> frozenset[str]:
    """Of a container of the project; none for one that reads nothing."""
    if name in SETTINGS:
        return frozenset({field.upper() for field in SETTINGS[name].model_fields} | _OF_EVERY_SERVICE)
    if name in {"secrets", "topology"}:
        return frozenset(_read_by_provision() | ({"SECRETS_DIR"} if name == "topology" else set()))
    if name == "page":
        places = (ROOT / "deploy/nginx/30-places.sh").read_text()
        return frozenset({"http_proxy", *re.findall(r"\$\{([A-Z_]+):-", places)})
    return frozenset(_OF_IMAGES.get(name, set()))


def _read_by_provision() -> set[str]:
    """It reads them one by one: `environ.get("NAME")`, and those that it passes on to coturn's file in a tuple."""
    source = (ROOT / "deploy/provision/src/provision/__main__.py").read_text()
    return set(re.findall(r'environ\.get\("([A-Z_]+)"', source)) | set(
        re.findall(r'"((?:TURN|GATEWAY)_[A-Z_]+)"', source)
    )
