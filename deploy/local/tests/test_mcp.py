"""`todo-agent mcp`: what clients are told to start, and what the bridge is told by it."""

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from local_stack import mcp as command
from local_stack.command_line import MCP_CLIENTS, parser


def configured(*arguments: str) -> dict[str, Any]:
    return command.configuration(parser().parse_args(["mcp", *arguments]))


def only_server(configuration: dict[str, Any]) -> dict[str, Any]:
    ((_, servers),) = configuration.items()
    server: dict[str, Any] = servers["todo"]
    return server


@pytest.mark.parametrize("client", MCP_CLIENTS)
def test_every_clients_configuration_names_a_command_that_is_there_by_its_absolute_path(client: str) -> None:
    server = only_server(configured("--print-config", client))
    assert Path(server["command"]).is_absolute()
    assert os.access(server["command"], os.X_OK)
    assert server["args"] == ["mcp"]


def test_the_configuration_carries_the_options_on_and_makes_paths_absolute() -> None:
    wanted = ["--print-config", "--read-only", "--tools", "get_changes", "--data", "here", "--owner", "anna"]
    assert only_server(configured(*wanted))["args"] == [
        *("mcp", "--tools=get_changes", "--read-only", "--data", str(Path("here").absolute()), "--owner", "anna")
    ]


def test_for_a_bridge_elsewhere_the_token_is_in_the_environment_and_on_no_command_line() -> None:
    server = only_server(configured("--print-config", "claude", "--url", "https://todo.example/mcp"))
    assert server["args"] == ["mcp", "--url=https://todo.example/mcp"]
    assert list(server["env"]) == ["TODO_AGENT_TOKEN"]


def test_the_json_goes_to_stdout_and_the_advice_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.print_config(parser().parse_args(["mcp", "--print-config"])) == 0
    printed = capsys.readouterr()
    assert "mcpServers" in json.loads(printed.out)
    assert "~/.lmstudio/mcp.json" in printed.err


def test_it_becomes_the_bridge_with_the_stacks_file_in_its_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    became: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *given: became.append(given))
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    arguments: Namespace = parser().parse_args(["mcp", "--data", str(tmp_path), "--owner", "anna", "--read-only"])
    command.mcp(arguments)
    ((program, argv, env),) = became
    assert program == sys.executable
    assert argv == [sys.executable, "-m", "mcp_bridge", "--read-only"]
    assert env["STACK_FILE"] == str(tmp_path / "mcp.json")
    assert (env["LOCAL_OWNER"], env["LOG_LEVEL"]) == ("anna", "warning")
