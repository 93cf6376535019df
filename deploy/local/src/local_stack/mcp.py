"""`todo-agent mcp`: becomes the bridge, told where the running stack is; and what clients are told to start it by."""

import json
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final, NoReturn

from local_stack.directory import default_directory
from local_stack.errors import StackError

MCP_FILE: Final = "mcp.json"
COMMAND: Final = "todo-agent"
NAME: Final = "todo"

_WHERE: Final = {
    "lmstudio": "~/.lmstudio/mcp.json (in LM Studio: Program, Install, Edit mcp.json)",
    "claude": "claude_desktop_config.json (in Claude Desktop: Settings, Developer, Edit Config)",
    "cursor": "~/.cursor/mcp.json, or .cursor/mcp.json of a project",
    "vscode": ".vscode/mcp.json of a project, or the user's mcp.json (MCP: Open User Configuration)",
    "zed": "settings.json (zed: open settings)",
}


def mcp(arguments: Namespace) -> NoReturn:
    """Become the bridge. Raises StackError where that cannot be started."""
    command = [sys.executable, "-m", "mcp_bridge", *_passed_on(arguments)]
    env = dict(os.environ)
    if arguments.url is None:
        env["STACK_FILE"] = str(_data(arguments) / MCP_FILE)
    if arguments.owner is not None:
        env["LOCAL_OWNER"] = arguments.owner
    if arguments.http is None:
        # What it logs is shown by its client, beside other servers'.
        env.setdefault("LOG_LEVEL", "warning")
    sys.stdout.flush()
    try:
        os.execve(command[0], command, env)  # noqa: S606 - our own interpreter; signals and pipes are then the bridge's
    except OSError as error:
        raise StackError(f"the bridge cannot be started: {os.strerror(error.errno or 0).lower()}") from error


def print_config(arguments: Namespace) -> int:
    """Print what a client's configuration is to hold, as JSON on stdout, and on stderr where that goes."""
    sys.stderr.write(f"todo-agent: put this into {_WHERE[arguments.print_config]}\n")
    sys.stdout.write(json.dumps(configuration(arguments), indent=2) + "\n")
    return 0


def configuration(arguments: Namespace) -> dict[str, Any]:
    """The configuration of `arguments.print_config`, one of MCP_CLIENTS, with absolute paths: clients know no PATH."""
    passed_on = _passed_on(arguments)
    if arguments.data is not None:
        passed_on += ["--data", str(arguments.data.absolute())]
    if arguments.owner is not None:
        passed_on += ["--owner", arguments.owner]
    server: dict[str, Any] = {"command": _command(), "args": ["mcp", *passed_on]}
    if arguments.url is not None:
        server["env"] = {"TODO_AGENT_TOKEN": "put your token here"}
    match arguments.print_config:
        case "vscode":
            return {"servers": {NAME: {"type": "stdio", **server}}}
        case "zed":
            return {"context_servers": {NAME: {"source": "custom", **server}}}
        case _:
            return {"mcpServers": {NAME: server}}


def _passed_on(arguments: Namespace) -> list[str]:
    words = [
        f"--{name}={value}" for name in ("http", "url", "tools") if (value := getattr(arguments, name)) is not None
    ]
    return [*words, "--read-only"] if arguments.read_only else words


def _data(arguments: Namespace) -> Path:
    return (arguments.data or default_directory(os.environ, root=os.geteuid() == 0)).absolute()


def _command() -> str:
    beside = Path(sys.executable).with_name(COMMAND)
    return str(beside if beside.is_file() else Path(sys.argv[0]).absolute())
