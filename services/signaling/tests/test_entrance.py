"""Settings that are refused, TURN credentials, origins."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from contracts.message import problem_of
from signaling.ice_servers import IceServers
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


def test_each_hello_gets_fresh_credentials():
    servers = IceServers(("stun:s:1",), ("turn:t:1",), "north", 600)
    (stun, first), expires_at = servers.of(OWNER, 1000.0)
    (_, second), _ = servers.of(OWNER, 2000.0)
    assert (stun.urls, stun.username, first.urls) == (("stun:s:1",), None, ("turn:t:1",))
    assert (first.username, second.username) == (f"1600:{OWNER}", f"2600:{OWNER}")
    assert expires_at == datetime.fromtimestamp(1600, UTC)
    assert IceServers().of(OWNER, 1000.0) == ((), None)


def test_of_several_turn_secrets_the_first_is_the_one_that_credentials_are_made_by():
    settings = Settings(turn_urls="turn:t:1", turn_secret=" newest , older")
    assert settings.newest_turn_secret == "newest"
    assert Settings().newest_turn_secret == ""


def test_no_secret_shows_in_what_is_printed():
    settings = Settings(turn_urls="turn:t:1", turn_secret="s3cret", auth_secret="a-secret-" * 5)
    shown = repr(settings) + repr(IceServers(turn_secret="s3cret"))
    assert "s3cret" not in shown
    assert "a-secret" not in shown


SECRET = {"auth_secret": "s" * 32}


@pytest.mark.parametrize(
    ("given", "field", "detail"),
    [
        ({"http_host": "0.0.0.0"}, "http_host", "nobody is asked for a token"),  # noqa: S104 - what must be refused
        ({"http_host": "::"}, "http_host", "nobody is asked for a token"),
        ({"http_host": "192.168.1.5"}, "http_host", "192.168.1.5"),
        ({"http_host": "todo.example"}, "http_host", "todo.example"),
        ({"turn_urls": "turn:t:1"}, "turn_secret", "TURN_URLS"),
        ({"turn_secret": "s3cret"}, "turn_secret", "TURN_URLS"),
        ({"turn_urls": "turn:t:1", "turn_secret": " , "}, "turn_secret", "TURN_URLS"),
        ({"turn_urls": "turn:t:1", "turn_secret": "a,b,c,d,e"}, "turn_secret", "at most 4"),
        ({"stun_urls": "http://s"}, "stun_urls", "http://s"),
        ({"allowed_hosts": "localhost,todo.example"}, "allowed_hosts", "todo.example"),
        ({"allowed_hosts": "*"}, "allowed_hosts", "AUTH_SECRET"),
        ({"allowed_hosts": "todo.*", **SECRET}, "allowed_hosts", "stands alone"),
        ({"allowed_hosts": "*x", **SECRET}, "allowed_hosts", "stands alone"),
        ({"allowed_hosts": "*.localhost.example"}, "allowed_hosts", "*.localhost.example"),
        ({"allowed_origins": "https://todo.example"}, "allowed_origins", "https://todo.example"),
        ({"allowed_origins": "http://[::"}, "allowed_origins", "http://[::"),
        ({"published_on": "127.0.0.1:1:2", "allowed_hosts": "todo.example"}, "allowed_hosts", "todo.example"),
        ({"trusted_proxies": "10.0.0.0/8,proxy"}, "trusted_proxies", "proxy"),
        ({"trusted_proxies": "10.0.0.1/8"}, "trusted_proxies", "10.0.0.1/8"),
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


def test_where_tokens_are_asked_for_any_host_and_any_name_will_do():
    names = {"allowed_hosts": "*,*.todo.example", "allowed_origins": "https://todo.example"}
    settings = Settings(http_host="::", **names, **SECRET)
    assert (settings.http_host, settings.allowed_hosts) == ("::", ("*", "*.todo.example"))


def test_everybody_is_counted_where_tokens_are_asked_for_and_nobody_else():
    assert Settings().bounds is None
    bounds = Settings(max_sockets_per_owner=3, refusals_per_address_per_s=0.5, **SECRET).bounds
    assert (bounds.sockets_per_owner, bounds.refusals_per_address.per_second) == (3, 0.5)


def test_lists_in_the_environment_are_separated_by_commas(monkeypatch):
    monkeypatch.setenv("STUN_URLS", "stun:a:1, stun:b:1,")
    monkeypatch.setenv("ALLOWED_ORIGINS", "http://localhost:5174")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    settings = Settings()
    assert settings.stun_urls == ("stun:a:1", "stun:b:1")
    assert settings.allowed_origins == ("http://localhost:5174",)
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


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
