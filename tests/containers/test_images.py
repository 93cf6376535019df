"""Images are as small as promised, and hold what they run and nothing that built it."""

import json

import pytest
from tests.containers import images
from tests.containers.engine import Engine
from tests.containers.figures import LIMITS_MB, sizes


def test_no_image_is_larger_than_promised(engine: Engine) -> None:
    found = sizes(engine, json.loads(engine.compose("config", "--format", "json")))
    assert set(found) >= set(LIMITS_MB)
    assert {name: size for name, size in found.items() if size > LIMITS_MB.get(name, max(LIMITS_MB.values()))} == {}


@pytest.mark.parametrize("service", sorted(LIMITS_MB))
def test_an_image_holds_no_builder_and_no_other_service(engine: Engine, service: str) -> None:
    name = f"todo-agent/{service}:dev"
    image = images.full(name) if engine.is_podman else name
    look = (
        "ls /app/lib/python3*/site-packages; ls -d /src 2>/dev/null; "
        "for tool in uv gcc cc make npm; do command -v $tool; done; true"
    )
    found = set(engine.run("run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", look).split())
    modules = {"signaling", "rtc_gateway", "agent", "todo_store", "mcp_bridge", "provision", "standin", "local_stack"}
    assert found & modules == {service.replace("-", "_")}
    assert [path for path in found if path.startswith("/")] == []
    assert not found & {"pytest", "mypy", "ruff", "hypothesis", "playwright"}
