"""The words of the command `todo-agent`, and nothing that takes time to import."""

import argparse
import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Final

from local_stack.ports import LOOPBACK
from local_stack.restarts import DEATHS_MAX

PORT: Final = 5173
URL: Final = f"http://localhost:{PORT}"
SCALABLE: Final = ("agent", "rtc-gateway", "todo-store")
SCALE_MAX: Final = 8
MCP_CLIENTS: Final = ("lmstudio", "claude", "cursor", "vscode", "zed")
LOCAL_ISSUER: Final = "local"
"""Who names the one owner of a stack without sign-in, and those of tokens that are made here."""
OWNER_MAX_CHARS: Final = 200
TOKEN_DAYS: Final = 30
TOKEN_DAYS_MAX: Final = 366
TOKEN_VARIABLE: Final = "TODO_AGENT_TOKEN"  # noqa: S105 - a name


def parser() -> argparse.ArgumentParser:
    """Arguments that are wrong end the process with status 2, as argparse does."""
    top = argparse.ArgumentParser(
        prog="todo-agent", description="A to-do agent that never claims what the database does not show."
    )
    commands = top.add_subparsers(
        dest="command", required=True, metavar="{up,ask,lists,mcp,token,backup,restore,renew,forget}"
    )
    _add_up(commands.add_parser("up", help="run everything on this machine", description="Run everything here."))
    ask = commands.add_parser(
        "ask",
        help="send one request",
        description="Send one request, as a browser does. Status 0: confirmed, already_so, answered; 3: clarify, "
        "not_found, refused, conflict, cancelled; 1: failed, unknown, refuted, or no connection; 2: usage.",
    )
    _add_connection(ask)
    ask.add_argument("text", metavar="TEXT", type=_text, help="the request, in plain words")
    _add_connection(commands.add_parser("lists", help="show the lists", description="Show every list and item."))
    _add_token(
        commands.add_parser(
            "token",
            help="make an access token",
            description="Print an access token for a stack that asks for one (todo-agent up --auth), and on stderr the "
            "address that signs a browser in with it. Whoever has it is its owner until it expires.",
        )
    )
    _add_mcp(
        commands.add_parser(
            "mcp",
            help="offer the lists to an MCP client",
            description="Offer the lists to an MCP client such as LM Studio or Claude Desktop, which starts this "
            "command itself and speaks to it on stdin and stdout; --print-config tells it how.",
        )
    )
    backup = commands.add_parser(
        "backup",
        help="save what the running stack knows",
        description="Save the lists and turns of the running stack in a new folder. What people wrote is in it; "
        "passwords, and what access tokens are made by, are not.",
    )
    restore = commands.add_parser(
        "restore",
        help="make a fresh data directory of a backup",
        description="Make a fresh data directory of a backup; nothing runs in it meanwhile.",
    )
    for command in (backup, restore):
        command.add_argument("folder", type=_directory, metavar="FOLDER")
        command.add_argument("--data", type=_directory, metavar="DIR", help="where the stack keeps its data")
    renew = commands.add_parser(
        "renew",
        help="make the servers' passwords anew",
        description="Make the passwords of PostgreSQL and NATS anew, while the stack is stopped.",
    )
    renew.add_argument("--tokens", action="store_true", help="and what access tokens are made by: all end at once")
    renew.add_argument("--data", type=_directory, metavar="DIR", help="where the stack keeps its data")
    forget = commands.add_parser(
        "forget",
        help="erase a person's lists, irrevocably",
        description="Erase the lists, items, changes and turns of one owner from the database of a running stack, "
        "irrevocably, and print how many there were. Words of the chat on the bus age out by themselves.",
    )
    forget.add_argument("--owner", required=True, metavar="NAME", type=_name, help="whose, as the page shows it")
    forget.add_argument("--issuer", default=LOCAL_ISSUER, type=_name, help=f"who named them (default {LOCAL_ISSUER})")
    forget.add_argument("--data", type=Path, metavar="DIR", help="where the running stack keeps its data")
    return top


def _add_up(up: argparse.ArgumentParser) -> None:
    up.add_argument("--port", type=_port, default=PORT, help=f"of the page (default {PORT})")
    up.add_argument(
        "--listen",
        type=_address,
        default=LOOPBACK,
        metavar="ADDRESS",
        help=f"of this machine, or 0.0.0.0 for all; others can reach it then, so --auth is needed (default {LOOPBACK})",
    )
    up.add_argument("--auth", action="store_true", help="let nobody in without a token; `todo-agent token` makes one")
    up.add_argument("--data", type=_directory, metavar="DIR", help="where data is kept")
    model = up.add_mutually_exclusive_group()
    model.add_argument("--model-url", type=_url, metavar="URL", help="a server like LM Studio's (default: ask for one)")
    model.add_argument("--standin", action="store_true", help="plan by rules, without a language model")
    up.add_argument("--page", type=Path, metavar="DIR", help="the built page (default: web/dist of this checkout)")
    up.add_argument(
        "--deaths",
        type=_deaths,
        default=DEATHS_MAX,
        metavar="N",
        help=f"give up when one process dies more often than this within a minute (default {DEATHS_MAX})",
    )
    up.add_argument(
        "--scale", type=_scale, default={}, metavar="SERVICE=N,...", help=f"how many of each of {', '.join(SCALABLE)}"
    )


def _add_mcp(mcp: argparse.ArgumentParser) -> None:
    where = mcp.add_mutually_exclusive_group()
    where.add_argument("--http", metavar="HOST:PORT", help="serve Streamable HTTP at /mcp instead, until stopped")
    where.add_argument(
        "--url", type=_url, help="pass everything on to a bridge that serves HTTP; TODO_AGENT_TOKEN holds its token"
    )
    mcp.add_argument("--data", type=Path, metavar="DIR", help="where the running stack keeps its data")
    mcp.add_argument("--owner", metavar="NAME", type=_name, help="whose lists (default: the running stack's own)")
    mcp.add_argument("--read-only", action="store_true", help="offer only tools that change nothing")
    mcp.add_argument("--tools", metavar="NAME,...", help="offer only these tools")
    mcp.add_argument(
        "--print-config",
        nargs="?",
        const=MCP_CLIENTS[0],
        choices=MCP_CLIENTS,
        metavar="CLIENT",
        help=f"print what to put into a client's configuration: {', '.join(MCP_CLIENTS)} (default {MCP_CLIENTS[0]})",
    )


def _add_connection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--url", type=_url, help=f"of the page (default: that of your running stack, else {URL})")
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument(
        "--token",
        help=f"who you are, where the stack asks (default: {TOKEN_VARIABLE}, or on this machine one made here)",
    )
    command.add_argument("--data", type=_directory, metavar="DIR", help="where your running stack keeps its data")


def _add_token(token: argparse.ArgumentParser) -> None:
    token.add_argument("--owner", required=True, metavar="NAME", type=_owner, help="whose, as the page shows it")
    lifetime = token.add_mutually_exclusive_group()
    lifetime.add_argument("--days", dest="lifetime", type=_days, metavar="N", help=f"(default {TOKEN_DAYS})")
    lifetime.add_argument("--minutes", dest="lifetime", type=_minutes, metavar="N")
    token.set_defaults(lifetime=timedelta(days=TOKEN_DAYS))
    token.add_argument("--data", type=_directory, metavar="DIR", help="where the stack keeps its data, and its secret")
    token.add_argument("--url", type=_url, help="of the page, as others reach it")


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not a port; give a number from 1 to 65535")
    return int(value)


def _address(value: str) -> str:
    if value.lower() == "localhost":
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not an IP address; give one of this machine's") from None


def _days(value: str) -> timedelta:
    return _lifetime(value, timedelta(days=1), "days")


def _minutes(value: str) -> timedelta:
    return _lifetime(value, timedelta(minutes=1), "minutes")


def _lifetime(value: str, unit: timedelta, name: str) -> timedelta:
    most = timedelta(days=TOKEN_DAYS_MAX) // unit
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= most or len(value) > 9:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of {name}; give one from 1 to {most}")
    return int(value) * unit


def _deaths(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of deaths; give one from 0 to 1000")
    return int(value)


def _directory(value: str) -> Path:
    if not value.strip():
        raise argparse.ArgumentTypeError("the name of the directory is empty; give one, or leave --data out")
    return Path(value)


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or value.endswith("://"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a URL that begins with http:// or https://")
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("the text is empty; write what should be done")
    return value


def _name(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise argparse.ArgumentTypeError(f"{value!r} is not a name; give the owner's")
    return value


def _owner(value: str) -> str:
    if len(value) > OWNER_MAX_CHARS or not value.isprintable():
        raise argparse.ArgumentTypeError(f"the name has over {OWNER_MAX_CHARS} characters, or some that do not print")
    return _name(value)


def _scale(value: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in value.split(","):
        name, _, count = part.partition("=")
        if name not in SCALABLE or not (count.isascii() and count.isdigit()) or not 1 <= int(count) <= SCALE_MAX:
            raise argparse.ArgumentTypeError(
                f"{part!r} is not SERVICE=N with one of {', '.join(SCALABLE)} and 1 to {SCALE_MAX}"
            )
        counts[name] = int(count)
    return counts
