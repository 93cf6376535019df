"""What is refused before anything starts, and in which words."""

import pytest
from pydantic import ValidationError

from contracts.message import problem_of
from mcp_bridge.command_line import Address, options
from mcp_bridge.settings import Settings

SECRET = "s" * 40


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"http_host": "0.0.0.0"}, "nobody is asked for a token; set AUTH_SECRET"),  # noqa: S104
        ({"auth_secret": "short"}, "at least 32 are needed"),
        ({"allowed_hosts": "todo.example"}, "todo.example, which is not this machine's own"),
        ({"allowed_hosts": "*"}, "has *, which is not this machine's own"),
        ({"allowed_origins": "https://todo.example"}, "which is not this machine's own"),
    ],
)
def test_what_would_let_strangers_in_is_refused_by_name(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**given)
    problem = problem_of(caught.value)
    assert words in problem.detail
    assert problem.field in given


def test_behind_tokens_any_host_may_be_named() -> None:
    settings = Settings(
        auth_secret=SECRET,
        http_host="0.0.0.0",  # noqa: S104
        allowed_hosts="todo.example, *",
        allowed_origins="https://a.example",
    )
    assert settings.allowed_hosts == ("todo.example", "*")
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--http", "nowhere"], "is not HOST:PORT"),
        (["--http", "localhost:99999"], "is not HOST:PORT"),
        (["--tools", "fly,get_changes"], "no tool is called fly; there are get_all_todo_lists"),
        (["--tools", ","], "no tool is named"),
        (["--url", "ftp://x"], "is not a URL"),
        (["--url", "https://x", "--read-only"], "are for the bridge that serves"),
        (["--url", "https://x", "--http", "localhost:1"], "not allowed with argument"),
    ],
)
def test_arguments_that_make_no_sense_end_it_with_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        options(arguments)
    assert caught.value.code == 2
    assert words in " ".join(capsys.readouterr().err.split())


def test_addresses_may_be_of_ipv6() -> None:
    assert options(["--http", "[::1]:8080"]).http == Address("::1", 8080)
