"""turnserver.conf is filled with what coturn takes as it is meant, and with nothing else."""

import os
import re
import string
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]
SECRET = "a secret that no one else has".replace(" ", "-")
GOOD = {
    "TURN_IP": "172.30.0.10",
    "TURN_REALM": "todo.example",
    "TURN_SECRET": SECRET,
    "TURN_SECRET_BEFORE": SECRET,
    "GATEWAY_NETWORK": "172.30.0.5-172.30.0.9",
    "TURN_CERT": "/etc/coturn/turn.pem",
    "TURN_KEY": "/etc/coturn/turn.key",
}


def fill(values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if name not in {*GOOD, "TURN_METRICS"}}
    return subprocess.run(
        [sys.executable, FOLDER / "fill.py"],
        check=False,
        env={**others, **values},
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_every_value_stands_where_its_placeholder_was() -> None:
    done = fill(GOOD)
    options = options_of(done)
    assert f"static-auth-secret={SECRET}" in options
    assert "listening-ip=172.30.0.10" in options
    assert "relay-ip=172.30.0.10" in options
    assert "allowed-peer-ip=172.30.0.5-172.30.0.9" in options
    assert "$" not in done.stdout


def test_the_placeholders_are_those_that_envsubst_and_compose_know() -> None:
    """A dollar anywhere else would have to be doubled for one of them, and would be left as it is by another."""
    text = (FOLDER / "turnserver.conf").read_text()
    assert set(string.Template(text).get_identifiers()) == {*GOOD, "TURN_METRICS"}
    assert text.count("$") == len(re.findall(r"\$\{[A-Z_]+\}", text))


def test_metrics_are_off_unless_they_are_asked_for() -> None:
    assert "prometheus" not in options_of(fill(GOOD))
    assert "prometheus" not in options_of(fill({**GOOD, "TURN_METRICS": ""}))
    assert "prometheus" in options_of(fill({**GOOD, "TURN_METRICS": "prometheus"}))


def options_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("name", GOOD)
def test_a_value_that_is_missing_is_named(name: str) -> None:
    done = fill({**GOOD, name: ""})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{name} is not set: it is ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TURN_SECRET_BEFORE", "short"),
        ("TURN_SECRET", "=which coturn would drop the first letter of"),
        ("TURN_SECRET", '"quotes-that-coturn-would-drop"'),
        ("TURN_SECRET", "two-lines-of-a-configuration\nallow-loopback-peers"),
        ("TURN_SECRET", "s" * 201),
        ("TURN_IP", "::1"),
        ("TURN_IP", "0.0.0.0"),  # noqa: S104
        ("TURN_IP", "turn.example"),
        ("TURN_REALM", "two words"),
        ("GATEWAY_NETWORK", "10.0.0.0/24"),
        ("GATEWAY_NETWORK", "10.0.0.9-10.0.0.5"),
        ("GATEWAY_NETWORK", "10.0.0.5-"),
        ("GATEWAY_NETWORK", "fd00::5"),
        ("TURN_CERT", "turn.pem"),
        ("TURN_KEY", "/etc/turn.key\nno-tls"),
        ("TURN_METRICS", "yes"),
        ("TURN_METRICS", "prometheus\nprometheus-username-labels"),
    ],
)
def test_a_value_that_coturn_would_take_for_something_else_is_refused(name: str, value: str) -> None:
    done = fill({**GOOD, name: value})
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(name)


def test_a_secret_is_not_shown_even_where_it_is_refused() -> None:
    done = fill({**GOOD, "TURN_SECRET": "swordfish !"})
    assert done.returncode == 2
    assert "swordfish" not in done.stderr
