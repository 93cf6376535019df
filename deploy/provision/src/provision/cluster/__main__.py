"""The steps of a pod, each safe to repeat: `python -m provision.cluster secrets`, `nats` and `coturn`.

`secrets` makes the Secrets of this pod's namespace that are missing. It reads POSTGRES_HOST, POSTGRES_PORT and
POSTGRES_DB.

`nats --into FILE` and `coturn --into FILE` write a server's configuration from the files in SECRETS_DIR. coturn's reads
TURN_IP, TURN_REALM, GATEWAY_NETWORK and TURN_METRICS.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from provision.cluster import api, making, servers
from provision.errors import ProvisionError
from provision.secrets import Database

TEMPLATE: Final = Path("/app/coturn")


def main() -> int:
    """Run a step; the exit status: 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m provision.cluster", description="The steps of a pod.")
    steps = parser.add_subparsers(dest="step", required=True)
    steps.add_parser("secrets", help="make the Secrets that are missing")
    nats = steps.add_parser("nats", help="write nats.conf")
    nats.add_argument("--into", type=Path, required=True, metavar="FILE")
    nats.add_argument("--name", required=True, help="of this server")
    nats.add_argument("--members", default="", metavar="HOST:PORT,...", help="all servers, where they are several")
    nats.add_argument("--store", default="/data/jetstream", help="where it keeps its streams")
    coturn = steps.add_parser("coturn", help="write turnserver.conf")
    coturn.add_argument("--into", type=Path, required=True, metavar="FILE")
    coturn.add_argument("--template", type=Path, default=TEMPLATE, metavar="DIR", help="fill.py and turnserver.conf")
    try:
        _run(parser.parse_args(), os.environ)
    except (ProvisionError, OSError) as error:
        sys.stderr.write(f"provision.cluster: {error}\n")
        return 1
    return 0


def _run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
    if arguments.step == "secrets":
        _make(environ)
        return
    folder = Path(environ.get("SECRETS_DIR") or "/run/secrets")
    if arguments.step == "nats":
        members = tuple(member for member in arguments.members.split(",") if member)
        text = servers.nats(arguments.name, members, arguments.store, folder)
    else:
        text = servers.turnserver(arguments.template, folder, environ)
    _write(arguments.into, text)


def _make(environ: Mapping[str, str]) -> None:
    port = environ.get("POSTGRES_PORT") or "5432"
    if not port.isdecimal():
        raise ProvisionError(f"POSTGRES_PORT must be a number, but is {port!r}")
    database = Database(
        host=environ.get("POSTGRES_HOST") or "postgres", port=int(port), name=environ.get("POSTGRES_DB") or "todo"
    )
    with api.of_this_pod(environ) as namespace:
        made = making.complete(namespace, database)
    sys.stdout.write(f"Secrets made: {', '.join(made) or 'none'}\n")


def _write(path: Path, text: str) -> None:
    """For this user alone: it holds secrets."""
    written = path.with_name(f".{path.name}.new")
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    written.replace(path)


if __name__ == "__main__":
    sys.exit(main())
