"""What the project is meant to be, written down a second time: who is on which network, which ports are published,
which files a container may see, and every exception from a rule with its reason. A change here changes the design.
"""

from typing import Final

ONE_SHOTS: Final = frozenset({"secrets", "migrate", "topology"})
OURS: Final = {
    "secrets": "provision",
    "topology": "provision",
    "migrate": "todo-store",
    "todo-store": "todo-store",
    "agent": "agent",
    "rtc-gateway": "rtc-gateway",
    "signaling": "signaling",
    "mcp-bridge": "mcp-bridge",
    "page": "page",
}
"""Which image each of our containers is made of, all as `todo-agent/<image>`."""
THEIRS: Final = {
    "postgres": "postgres",
    "nats": "nats",
    "coturn": "coturn/coturn",
    "lgtm": "grafana/otel-lgtm",
    "nats-exporter": "natsio/prometheus-nats-exporter",
}
PROFILES: Final = {"lgtm": ["observability"], "nats-exporter": ["observability"]}

NETWORKS: Final = {
    "front": {"page", "signaling", "mcp-bridge"},
    "bus": {"nats", "topology", "todo-store", "agent", "rtc-gateway", "signaling", "mcp-bridge", "nats-exporter"},
    "data": {"postgres", "migrate", "todo-store"},
    "relay": {"coturn", "rtc-gateway"},
    "model": {"agent"},
    "telemetry": {"lgtm", "nats-exporter", "todo-store", "agent", "rtc-gateway", "signaling", "mcp-bridge"},
    "turn-telemetry": {"lgtm", "coturn"},
    "dashboards": {"lgtm"},
}
"""Who is on which network. Containers reach each other on a network that they share, and nobody else."""
INTERNAL: Final = frozenset({"bus", "data", "telemetry", "turn-telemetry"})
"""Networks without a way out. Of the others a port is published, or a model or a provider's keys are asked there."""
APART: Final = frozenset(
    {
        *(
            ("postgres", other)
            for other in ("page", "signaling", "mcp-bridge", "agent", "rtc-gateway", "coturn", "nats")
        ),
        *(("nats", other) for other in ("page", "coturn", "migrate")),
        *(("coturn", other) for other in ("page", "signaling", "mcp-bridge", "agent", "todo-store", "nats-exporter")),
        *(("page", other) for other in ("agent", "rtc-gateway", "todo-store")),
    }
)
"""Pairs that must never share a network, however the table above is changed."""

PUBLISHED: Final = {
    ("page", "127.0.0.1", 5173, 8080, "tcp"),
    ("page", "PUBLISHED_ON", 5443, 8443, "tcp"),
    ("coturn", "DOCKER_HOST_IP", 3478, 3478, "tcp"),
    ("coturn", "DOCKER_HOST_IP", 3478, 3478, "udp"),
    ("lgtm", "127.0.0.1", 3000, 3000, "tcp"),
    ("lgtm", "127.0.0.1", 4317, 4317, "tcp"),
    ("lgtm", "127.0.0.1", 4318, 4318, "tcp"),
    ("lgtm", "127.0.0.1", 9090, 9090, "tcp"),
    ("lgtm", "127.0.0.1", 24224, 24224, "tcp"),
}
"""Service, address or the variable that holds it, port on the machine, port in the container, protocol."""

WRITABLE: Final = {"lgtm": "five programs in one container, each with files of its own beside the volume"}
CAPABLE: Final = {"lgtm": "its programs start as root and are not made to run without"}
ROOTS: Final = {
    "lgtm": "the image knows no other user; it is not part of what people's words pass through but telemetry"
}
CAPABILITIES: Final = {"coturn": ["NET_BIND_SERVICE"]}  # the program carries it, and would not start without
OWN_INIT: Final = {"lgtm": "its script starts and ends the five programs"}
NO_HEALTH_OF_OURS: Final = {
    "lgtm": "the image brings a health check of its own",
    "nats-exporter": "its image holds the one program, which cannot ask itself; Prometheus tells when it is silent",
}

SECRETS: Final = {
    "todo-store": "secrets-todo-store",
    "migrate": "secrets-todo-store",
    "topology": "secrets-topology",
    "agent": "secrets-agent",
    "rtc-gateway": "secrets-rtc-gateway",
    "signaling": "secrets-signaling",
    "mcp-bridge": "secrets-mcp-bridge",
    "nats": "secrets-nats",
    "postgres": "secrets-postgres",
    "coturn": "secrets-coturn",
}
"""Whose secrets each container sees, at /run/secrets and to read only. The step `secrets` sees all, to write them."""
GIVEN: Final = {
    "secrets": {"POSTGRES_PASSWORD", "AUTH_SECRET", "MODEL_API_KEY"},
    "lgtm": {"GF_SECURITY_ADMIN_PASSWORD"},
}
"""Secrets that a person gives in .env, and which containers are told them in their environment."""

HOST_ADDRESSES: Final = {"agent": ["host.docker.internal"]}
"""Who may reach the machine itself by a name: for LM Studio."""
