"""What may be reached without a token, and settings that cannot work."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from access.exposure import exposed, is_loopback, published_on_loopback
from access.settings import AccessSettings, door
from contracts.message import problem_of

SECRET = "s" * 32
JWKS = "https://sign-in.example/jwks"
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - what is refused


class Settings(AccessSettings):
    """Of a service that listens."""

    http_host: str = "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "LOCALHOST", "a.localhost"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert exposed(host, None) is None


@pytest.mark.parametrize(
    "host",
    [ALL_ADDRESSES, "::", "192.168.1.5", "todo.example", "localhost.example", "127.0.0.1.example", "", "2130706433"],
)
def test_beyond_loopback(host: str) -> None:
    assert not is_loopback(host)
    why = exposed(host, None)
    assert why is not None
    assert host in why
    assert "AUTH_SECRET" in why


@pytest.mark.parametrize(
    ("mapping", "answer"),
    [
        ("127.0.0.1:5173:8080", True),
        ("127.0.0.1:5173:8080/tcp", True),
        ("127.0.0.1::8080", True),
        ("[::1]:5173:8080", True),
        ("127.0.0.1:5173-5180:8080-8087", True),
        ("127.0.0.1:5173:8080, [::1]:5173:8080", True),
        ("5173:8080", False),
        ("8080", False),
        (":5173:8080", False),
        ("0.0.0.0:5173:8080", False),
        ("[::]:5173:8080", False),
        ("192.168.1.5:5173:8080", False),
        ("127.0.0.1:5173:8080,5173:8080", False),
        ("127.0.0.1", False),
        ("127.0.0.1/5173:8080", False),
        ("", False),
    ],
)
def test_a_port_mapping_is_read_as_compose_reads_it(mapping: str, answer: bool) -> None:
    assert published_on_loopback(mapping) is answer


@pytest.mark.parametrize(
    ("given", "field", "detail"),
    [
        ({"http_host": ALL_ADDRESSES}, "http_host", "is 0.0.0.0, which others can reach"),
        ({"http_host": ALL_ADDRESSES, "published_on": "5173:8080"}, "http_host", "PUBLISHED_ON is 5173:8080"),
        ({"http_host": ALL_ADDRESSES, "auth_secret": ""}, "http_host", "AUTH_SECRET"),
        ({"auth_secret": "short"}, "auth_secret", "at least 32"),
        ({"auth_secret": SECRET, "auth_jwks_url": JWKS}, "auth_jwks_url", "exclude each other"),
        ({"auth_jwks_url": JWKS, "auth_audience": "a"}, "auth_issuer", "goes with AUTH_JWKS_URL"),
        ({"auth_jwks_url": JWKS, "auth_issuer": "i"}, "auth_audience", "goes with AUTH_JWKS_URL"),
        ({"auth_jwks_url": "http://sign-in.example/jwks"}, "auth_jwks_url", "https://"),
        ({"auth_jwks_url": "file:///etc/passwd"}, "auth_jwks_url", "https://"),
        ({"auth_jwks_url": "https://user:pass@sign-in.example"}, "auth_jwks_url", "https://"),
        ({"auth_jwks_url": "https://"}, "auth_jwks_url", "https://"),
        ({"auth_jwks_url": "https://[::"}, "auth_jwks_url", "https://"),
        ({"auth_jwks_url": "https://a b/"}, "auth_jwks_url", "https://"),
        ({"auth_secret": SECRET, "auth_issuer": "a\0b"}, "auth_issuer", "cannot be printed"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(given: dict[str, str], field: str, detail: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    problem = problem_of(caught.value)
    assert problem.field == field
    assert detail in problem.detail
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"http_host": ALL_ADDRESSES, "auth_secret": SECRET},
        {
            "http_host": "192.168.1.5",
            "auth_jwks_url": "http://localhost:9/jwks",
            "auth_issuer": "i",
            "auth_audience": "a",
        },
        {"http_host": ALL_ADDRESSES, "published_on": "127.0.0.1:5173:8080"},
        {"http_host": "::1"},
    ],
)
def test_with_tokens_or_on_the_loopback_any_host_will_do(given: dict[str, str]) -> None:
    assert Settings(**given).http_host == given["http_host"]


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not AccessSettings().secured
    monkeypatch.setenv("AUTH_SECRET", f"{SECRET},{'o' * 32}")
    settings = AccessSettings()
    assert settings.secured
    assert settings.shared_secrets is not None
    assert settings.shared_secrets.secrets == (SECRET, "o" * 32)
    assert (settings.expected.issuer, settings.expected.audience) == ("local", "todo-agent")
    assert SECRET not in repr(settings) + repr(settings.shared_secrets)


async def test_without_settings_there_is_nothing_to_verify_by(tmp_path: Path) -> None:
    del tmp_path
    async with door(AccessSettings()) as opened:
        assert (opened.verifier, opened.lacks) == (None, None)
    async with door(AccessSettings(auth_secret=SECRET)) as opened:
        assert opened.verifier is not None
        assert opened.lacks is None
