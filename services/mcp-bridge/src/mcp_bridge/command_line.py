"""The words of `python -m mcp_bridge`; `todo-agent mcp` passes its own on to it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

from mcp_bridge.tools import UnknownToolError, offered


@dataclass(frozen=True)
class Address:
    host: str
    port: int


@dataclass(frozen=True)
class Options:
    """On stdio against a bus, unless `http` says to serve there, or `url` to pass everything on to it."""

    read_only: bool = False
    tools: tuple[str, ...] = ()
    http: Address | None = None
    url: str | None = None


def options(arguments: Sequence[str] | None = None) -> Options:
    """Arguments that are wrong end the process with status 2, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="mcp_bridge", description="The to-do lists as tools for any MCP client, on stdin and stdout."
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--http", type=_address, metavar="HOST:PORT", help="serve Streamable HTTP at /mcp instead")
    where.add_argument("--url", type=_url, help="pass everything on to a bridge that serves HTTP there")
    parser.add_argument("--read-only", action="store_true", help="offer only tools that change nothing")
    parser.add_argument("--tools", type=_tools, default=(), metavar="NAME,...", help="offer only these")
    given = parser.parse_args(arguments)
    if given.url is not None and (given.read_only or given.tools):
        parser.error("--read-only and --tools are for the bridge that serves; with --url, that is the other one")
    return Options(read_only=given.read_only, tools=given.tools, http=given.http, url=given.url)


def _tools(value: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    try:
        offered(only=names)
    except UnknownToolError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not names:
        raise argparse.ArgumentTypeError("no tool is named; give names with commas between, or leave --tools out")
    return names


def _address(value: str) -> Address:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is not HOST:PORT with a port from 0 to 65535")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")) or value.endswith("://"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a URL that begins with http:// or https://")
    return value
