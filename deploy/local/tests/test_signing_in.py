"""Who may enter a stack on this machine: what is refused before anything starts, and tokens for the command line."""

import json
import os
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from access.interface import Expected
from access.shared_secret import SharedSecrets
from contracts.tokens import owner_key
from local_stack import ports
from local_stack.directory import DataDirectory
from local_stack.errors import ExposedError, StackError
from local_stack.passwords import kept_auth_secret, load_or_make
from local_stack.running import Running, SignIn
from local_stack.signing_in import chosen, own_token, print_token, require_hidden, settings_of_signaling

SECRET = "s" * 32
ALL = "0.0.0.0"  # noqa: S104 - what is asked about
URL = "http://localhost:5173"
KEPT = SignIn("data", "local", "todo-agent")
GIVEN = SignIn("environment", "local", "todo-agent")
PROVIDER = SignIn("provider", "https://sign-in.example", "to-do")
OF_A_PROVIDER = {
    "AUTH_JWKS_URL": "https://sign-in.example/jwks",
    "AUTH_ISSUER": PROVIDER.issuer,
    "AUTH_AUDIENCE": PROVIDER.audience,
}


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path, None)


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(**names: str) -> Mapping[str, str]:
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        return os.environ

    return given


def runs(directory: DataDirectory, sign_in: SignIn | None, owner: str = "me") -> None:
    state = {"pid": os.getpid(), "url": URL, "address": "http://192.168.1.5:5173", "owner": owner}
    said = None if sign_in is None else {"by": sign_in.by, "issuer": sign_in.issuer, "audience": sign_in.audience}
    directory.state.write_text(json.dumps({**state, "sign_in": said}))


async def owner_of(token: str | None, secret: str, issuer: str = "local") -> str:
    return (await SharedSecrets((secret,), Expected(issuer, "todo-agent")).verify(token)).owner


def test_who_a_stack_asks_is_said_by_the_option_or_by_the_environment(environ: Any) -> None:
    assert chosen(auth=False, environ=os.environ) is None
    assert chosen(auth=True, environ=os.environ) == KEPT
    assert chosen(auth=False, environ=environ(AUTH_SECRET="", AUTH_ISSUER="house")) is None
    assert chosen(auth=True, environ=os.environ) == SignIn("data", "house", "todo-agent")
    assert chosen(auth=True, environ=environ(AUTH_SECRET=SECRET, AUTH_ISSUER="")) == GIVEN
    assert chosen(auth=False, environ=environ(AUTH_SECRET="", **OF_A_PROVIDER)) == PROVIDER


def test_a_wrong_setting_is_one_line_with_its_name_and_without_its_value(environ: Any) -> None:
    with pytest.raises(StackError) as refused:
        chosen(auth=False, environ=environ(AUTH_SECRET="s3cret"))
    assert str(refused.value).startswith("setting AUTH_SECRET: holds a secret of 6 bytes")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("listen", "sign_in", "environ", "refused"),
    [
        ("127.0.0.1", None, {}, False),
        ("::1", None, {}, False),
        (ALL, None, {}, True),
        ("::", None, {}, True),
        ("192.168.1.5", None, {}, True),
        (ALL, KEPT, {}, False),
        (ALL, PROVIDER, {}, False),
        (ALL, None, {"PUBLISHED_ON": "127.0.0.1:5173:5173"}, False),
        (ALL, None, {"PUBLISHED_ON": "5173:5173"}, True),
    ],
)
def test_what_others_can_reach_asks_who_they_are(
    listen: str, sign_in: SignIn | None, environ: dict[str, str], refused: bool
) -> None:
    if not refused:
        require_hidden(listen, sign_in, environ)
        return
    with pytest.raises(ExposedError) as error:
        require_hidden(listen, sign_in, environ)
    assert error.value.status == 2
    assert f"--listen {listen} " in str(error.value)
    assert "add --auth" in str(error.value)


def test_signaling_is_told_the_kept_secret_and_no_other() -> None:
    assert settings_of_signaling("127.0.0.1", None, SECRET, {}) == {}
    assert settings_of_signaling("127.0.0.1", GIVEN, SECRET, {}) == {}
    assert settings_of_signaling("127.0.0.1", KEPT, SECRET, {}) == {"AUTH_SECRET": SECRET}


def test_any_name_will_do_where_others_reach_a_stack_that_asks_for_tokens() -> None:
    assert settings_of_signaling(ALL, GIVEN, None, {}) == {"ALLOWED_HOSTS": "*"}
    assert settings_of_signaling(ALL, GIVEN, None, {"ALLOWED_HOSTS": "todo.example"}) == {}
    assert settings_of_signaling(ALL, None, None, {}) == {}, "published on the loopback of another machine"
    names = "localhost,127.0.0.1,[::1]"
    assert settings_of_signaling("127.0.0.5", None, None, {}) == {"ALLOWED_HOSTS": f"{names},127.0.0.5"}
    assert settings_of_signaling("::1", KEPT, None, {}) == {"ALLOWED_HOSTS": f"{names},[::1]"}


def test_the_secret_is_made_once_where_it_is_asked_for_and_for_its_owner_alone(directory: DataDirectory) -> None:
    assert kept_auth_secret(directory.secrets) is None
    assert load_or_make(directory.secrets).auth is None
    made = load_or_make(directory.secrets, auth=True)
    assert made.auth is not None
    assert len(made.auth) >= 32
    assert load_or_make(directory.secrets, auth=True) == made
    assert load_or_make(directory.secrets).auth == made.auth == kept_auth_secret(directory.secrets)
    assert stat.S_IMODE(directory.secrets.stat().st_mode) == 0o600
    assert made.auth not in repr(made)


async def test_a_token_is_printed_and_the_address_to_open_beside_it(
    directory: DataDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = load_or_make(directory.secrets, auth=True).auth
    assert secret is not None
    assert print_token("Ada", timedelta(minutes=3), directory, None) == 0
    said = capsys.readouterr()
    token = said.out.strip()
    assert said.err == f"{URL}/#t={token}\n"
    identity = await SharedSecrets((secret,), Expected("local", "todo-agent")).verify(token)
    assert (identity.owner, identity.name) == (owner_key("local", "Ada"), "Ada")
    left = identity.expires_at - datetime.now(UTC)
    assert timedelta(minutes=2) < left < timedelta(minutes=4)
    runs(directory, KEPT)
    print_token("Ada", timedelta(minutes=3), directory, None)
    assert capsys.readouterr().err.startswith("http://192.168.1.5:5173/#t=ey")
    print_token("Ada", timedelta(minutes=3), directory, "https://todo.example/")
    assert capsys.readouterr().err.startswith("https://todo.example/#t=ey")


async def test_a_token_is_made_by_the_secret_of_the_environment_where_there_is_one(
    directory: DataDirectory, environ: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    load_or_make(directory.secrets, auth=True)
    environ(AUTH_SECRET=f"{SECRET},{'o' * 32}", AUTH_ISSUER="house")
    print_token("ada", timedelta(days=1), directory, None)
    assert await owner_of(capsys.readouterr().out.strip(), SECRET, "house") == owner_key("house", "ada")


async def test_where_a_stack_runs_its_own_words_count_before_the_environment(
    directory: DataDirectory, environ: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = load_or_make(directory.secrets, auth=True).auth
    assert secret is not None
    runs(directory, KEPT)
    environ(AUTH_SECRET=SECRET)
    print_token("ada", timedelta(days=1), directory, None)
    assert await owner_of(capsys.readouterr().out.strip(), secret) == owner_key("local", "ada")


@pytest.mark.parametrize(
    ("running", "variables", "words"),
    [
        (None, {}, "there is no secret in"),
        (KEPT, {}, "there is no secret in"),
        (GIVEN, {}, "set the same here"),
        (PROVIDER, {}, "which alone makes them"),
        (None, OF_A_PROVIDER, "which alone makes them"),
        (None, {"AUTH_SECRET": "short"}, "setting AUTH_SECRET"),
    ],
)
def test_where_no_token_can_be_made_it_is_said_why(
    directory: DataDirectory, environ: Any, running: SignIn | None, variables: dict[str, str], words: str
) -> None:
    environ(**variables)
    if running is not None:
        runs(directory, running)
    with pytest.raises(StackError) as refused:
        print_token("ada", timedelta(days=1), directory, None)
    assert words in str(refused.value)


async def test_the_command_line_signs_itself_in_to_its_own_stack_and_to_no_other(
    directory: DataDirectory, environ: Any
) -> None:
    secret = load_or_make(directory.secrets, auth=True).auth
    assert secret is not None
    assert own_token(None, URL, directory, {}) is None
    runs(directory, None)
    assert own_token(None, URL, directory, {}) is None
    runs(directory, KEPT, owner="ada")
    for url in (URL, f"{URL}/"):
        assert await owner_of(own_token(None, url, directory, {}), secret) == owner_key("local", "ada")
    assert own_token(None, "http://localhost:5174", directory, {}) is None
    assert own_token("given", URL, directory, {"TODO_AGENT_TOKEN": "set"}) == "given"
    assert own_token(None, URL, directory, {"TODO_AGENT_TOKEN": "set"}) == "set"
    runs(directory, PROVIDER)
    assert own_token(None, URL, directory, {}) is None
    runs(directory, GIVEN)
    assert own_token(None, URL, directory, {}) is None
    given = environ(AUTH_SECRET=SECRET)
    assert await owner_of(own_token(None, URL, directory, given), SECRET) == owner_key("local", "me")


def test_what_was_killed_does_not_run(directory: DataDirectory) -> None:
    assert Running.read(directory.state) is None
    runs(directory, KEPT)
    assert Running.read(directory.state) == Running(URL, "http://192.168.1.5:5173", "me", KEPT)
    state = json.loads(directory.state.read_text())
    for wrong in ({"pid": 2**22 + 1}, {"pid": "x"}, {"sign_in": {"by": "data", "more": 1}}):
        directory.state.write_text(json.dumps(state | wrong))
        assert Running.read(directory.state) is None
    directory.state.write_text(json.dumps({"pid": os.getpid(), "url": URL}))
    assert Running.read(directory.state) is None, "of an earlier version"


def test_addresses_have_the_names_that_a_browser_needs() -> None:
    hosts = [ports.host_of(address) for address in ("127.0.0.1", ALL, "::", "::1", "192.168.1.5", "fd00::1")]
    assert hosts == ["localhost", "localhost", "localhost", "[::1]", "192.168.1.5", "[fd00::1]"]
    assert [ports.probed(address) for address in (ALL, "::", "192.168.1.5")] == ["127.0.0.1", "::1", "192.168.1.5"]
    assert ports.outward_address("192.168.1.5") == "192.168.1.5"


def test_an_address_of_another_machine_cannot_be_listened_on() -> None:
    ports.require_free(ports.free_port(), ALL)
    for elsewhere in ("192.0.2.1", "2001:db8::1"):
        with pytest.raises(StackError) as refused:
            ports.require_free(ports.free_port(), elsewhere)
        assert f"--listen {elsewhere} is not an address of this machine" in str(refused.value)
