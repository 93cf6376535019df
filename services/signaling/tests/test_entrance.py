"""Settings that are refused, credentials, origins."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from contracts.message import problem_of
from contracts.signaling import Hello
from signaling.entrance import Entrance
from signaling.origin import permitted
from signaling.settings import Settings
from signaling.turn_credentials import mint, password

OWNER = "abcdefghijklmnopqrstuvwxyz"


def test_the_password_is_the_hmac_of_rfc_2202():
    """Test case 2 of section 3, in base64."""
    expected = "7/zfauXrL6LSdBbV8YTfnCWafHk="
    assert password("Jefe", "what do ya want for nothing?") == expected


def test_credentials_name_their_expiry_and_owner():
    minted = mint("north", OWNER, now=1_700_000_000.9, ttl_s=600)
    assert minted.username == f"1700000600:{OWNER}"
    # printf %s "1700000600:$OWNER" | openssl dgst -sha1 -hmac north -binary | base64
    assert minted.credential == "C2omZRHIkA2Gyrn5GQXxjyzD1oc="
    assert minted.expires_at == datetime(2023, 11, 14, 22, 23, 20, tzinfo=UTC)


def test_each_hello_gets_fresh_credentials_and_a_session_of_its_own():
    times = iter((1000.0, 2000.0))
    entrance = Entrance(OWNER, "me", ("stun:s:1",), ("turn:t:1",), "north", 600, clock=lambda: next(times))
    first, second = entrance.admit(Hello(version=1)), entrance.admit(Hello(version=1))
    assert [server.urls for server in first.ice_servers] == [("stun:s:1",), ("turn:t:1",)]
    assert first.ice_servers[1].username == f"1600:{OWNER}"
    assert second.ice_servers[1].username == f"2600:{OWNER}"
    assert first.session != second.session


def test_no_secret_shows_in_what_is_printed():
    settings = Settings(turn_urls="turn:t:1", turn_secret="s3cret")
    assert "s3cret" not in repr(settings) + repr(Entrance.of(settings))


@pytest.mark.parametrize(
    ("given", "field", "detail"),
    [
        ({"http_host": "0.0.0.0"}, "http_host", "no authentication"),  # noqa: S104 - what must be refused
        ({"http_host": "::"}, "http_host", "no authentication"),
        ({"http_host": "192.168.1.5"}, "http_host", "192.168.1.5"),
        ({"http_host": "todo.example"}, "http_host", "todo.example"),
        ({"turn_urls": "turn:t:1"}, "turn_secret", "TURN_URLS"),
        ({"turn_secret": "s3cret"}, "turn_secret", "TURN_URLS"),
        ({"stun_urls": "http://s"}, "stun_urls", "http://s"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(given, field, detail):
    with pytest.raises(ValidationError) as refused:
        Settings(**given)
    problem = problem_of(refused.value)
    assert problem.field == field
    assert detail in problem.detail
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback_is_accepted(host):
    assert Settings(http_host=host).http_host == host


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("STUN_URLS", "stun:a:1, stun:b:1,")
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://todo.example")
    settings = Settings()
    assert settings.stun_urls == ("stun:a:1", "stun:b:1")
    assert settings.allowed_origins == ("https://todo.example",)


@pytest.mark.parametrize(
    ("origins", "host", "answer"),
    [
        ([], "localhost:5173", True),
        (["http://localhost:5173"], "localhost:5173", True),
        (["HTTP://LocalHost:5173"], "LOCALHOST:5173", True),
        (["http://localhost"], "localhost", True),
        (["https://localhost"], "localhost:443", True),
        (["http://[::1]:5173"], "[::1]:5173", True),
        (["https://todo.example"], "inner:8080", True),
        (["http://localhost:5173"], "localhost:5174", False),
        (["http://127.0.0.1:5173"], "localhost:5173", False),
        (["http://localhost:5173.evil.example"], "localhost:5173", False),
        (["http://localhost:5173@evil.example"], "localhost:5173", False),
        (["http://localhost:5173/path"], "localhost:5173", False),
        (["http://localhost:99999"], "localhost:99999", False),
        (["file://localhost"], "localhost", False),
        (["null"], "localhost", False),
        ([""], None, False),
        (["http://localhost"], None, False),
        (["http://localhost", "http://localhost"], "localhost", False),
    ],
)
def test_origins(origins, host, answer):
    assert permitted(origins, host, {"https://todo.example"}) is answer
