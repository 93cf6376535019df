"""The steps of a deployment, each safe to repeat: `python -m provision secrets`, `topology`, `backup`, `restore`.

`secrets --into DIR` makes what is missing, keeps it in DIR/kept, and writes a folder for each container into DIR. It
reads POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_HOST and POSTGRES_PORT, for coturn TURN_IP, TURN_REALM and
GATEWAY_NETWORK, and what is passed on to those who need it: AUTH_SECRET and MODEL_API_KEY. `--renew nats`, `store` or
`turn`, or RENEW for a container whose arguments are fixed, makes these anew; TURN's former secret stays good beside the
new one until `--retire turn`, or RETIRE. `--renew superuser` takes POSTGRES_PASSWORD in place of what is kept, which
comes first otherwise. docs/operations.md says who has to be told, and in which order.

`topology [--replicas N]` declares the streams on the server of NATS_URL, whose password is NATS_PASSWORD or the file
`nats_password` in SECRETS_DIR. It waits for the server.

`backup FILE` and `restore FILE` save the streams of that server and bring them back; `-` stands for stdout and stdin.
What holds of the database beside them, and who must be stopped, says docs/backup.md. `check FILE` reads a backup to its
end.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from bus.nats_bus import BusSettings
from contracts.permissions import TOPOLOGY
from provision import coturn, nats_server, secrets, snapshots
from provision.archive import Reader
from provision.errors import ProvisionError
from provision.topology import declare

COTURN: Final = Path("deploy/coturn")
WAIT_S: Final = 90.0
PAUSE_S: Final = 1.0
KEPT: Final = (
    "POSTGRES_PASSWORD counts for the first start; the superuser's password of then is kept and holds. To change it: "
    "ALTER ROLE (or \\password) in psql, and this step once with RENEW=superuser, so that it keeps the new one"
)


def main() -> int:
    """Run a step; the exit status: 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m provision", description="The steps of a deployment.")
    steps = parser.add_subparsers(dest="step", required=True)
    making = steps.add_parser("secrets", help="make what is missing, and lay it out")
    making.add_argument("--into", type=Path, required=True, metavar="DIR")
    making.add_argument("--coturn", type=Path, default=COTURN, metavar="DIR", help="fill.py and turnserver.conf")
    making.add_argument("--nats-store", default="/data/jetstream", help="where NATS keeps its streams")
    making.add_argument("--renew", action="append", default=[], choices=secrets.RENEWABLE, help="make these anew")
    making.add_argument("--retire", choices=(secrets.RELAY,), help="the secret of before is good no longer")
    declaring = steps.add_parser("topology", help="declare the streams")
    declaring.add_argument("--replicas", type=int, default=1, choices=(1, 3, 5))
    _add_backup(steps)
    arguments = parser.parse_args()
    try:
        match arguments.step:
            case "secrets":
                _make(arguments, os.environ)
            case "topology":
                asyncio.run(_declare(arguments.replicas, os.environ))
            case "backup":
                _back_up(arguments.file, _bus(os.environ))
            case "check":
                _check(arguments.file)
            case "restore":
                _restore(arguments, _bus(os.environ))
    except (ProvisionError, OSError) as error:
        sys.stderr.write(f"provision {arguments.step}: {error}\n")
        return 1
    return 0


def _add_backup(steps: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    saving = steps.add_parser("backup", help="save the streams")
    checking = steps.add_parser("check", help="see that a backup of the streams is whole")
    restoring = steps.add_parser("restore", help="bring the streams back, while nothing else is connected")
    for step in (saving, checking, restoring):
        step.add_argument("file", metavar="FILE", help="or - for stdout, and stdin")
    restoring.add_argument("--replace", action="store_true", help="streams that hold something, too")
    restoring.add_argument("--replicas", type=int, default=1, choices=(1, 3, 5))


def _make(arguments: argparse.Namespace, environ: Mapping[str, str]) -> None:
    into: Path = arguments.into
    port = environ.get("POSTGRES_PORT") or "5432"
    if not port.isdecimal():
        raise ProvisionError(f"POSTGRES_PORT must be a number, but is {port!r}")
    if environ.get("POSTGRES_USER") == secrets.STORE_ROLE:
        # Its password would be made another's, and the store would own everything.
        raise ProvisionError(f"POSTGRES_USER is {secrets.STORE_ROLE}, the store's own role; give another name")
    database = secrets.Database(
        host=environ.get("POSTGRES_HOST") or "postgres",
        port=int(port),
        name=environ.get("POSTGRES_DB") or "todo",
        password=environ.get("POSTGRES_PASSWORD") or None,
    )
    place = nats_server.Place(
        name="todo-agent", listen="0.0.0.0:4222", monitoring="0.0.0.0:8222", store=arguments.nats_store
    )
    kept = into / "kept" / "secrets.json"
    known = secrets.renewed(secrets.kept_in(kept), {*arguments.renew, *_named(environ, "RENEW", secrets.RENEWABLE)})
    retired = arguments.retire or _named(environ, "RETIRE", (secrets.RELAY,))
    whole = secrets.made(secrets.retired(known) if retired else known, database)
    if database.password and database.password != whole[secrets.POSTGRES_SUPERUSER]:
        sys.stderr.write(f"provision secrets: {KEPT}\n")
    values = {
        # Where there is no file, coturn serves UDP and TCP and no TLS.
        "TURN_CERT": "/etc/coturn/tls/turn.pem",
        "TURN_KEY": "/etc/coturn/tls/turn.key",
        **{name: environ.get(name, "") for name in ("TURN_IP", "TURN_REALM", "GATEWAY_NETWORK", "TURN_METRICS")},
        "TURN_SECRET": whole[secrets.TURN],
        "TURN_SECRET_BEFORE": whole[secrets.TURN_BEFORE],
    }
    turnserver = coturn.filled(arguments.coturn, values)
    # Kept before it is used: a database that was made with a password nobody knows is lost.
    secrets.keep(kept, whole)
    given = secrets.Given(environ.get("AUTH_SECRET", ""), environ.get("MODEL_API_KEY", ""))
    laid_out = secrets.laid_out(whole, database, place, given)
    secrets.write(into, {**laid_out, "coturn": {"turnserver.conf": turnserver}})


def _named(environ: Mapping[str, str], variable: str, known: tuple[str, ...]) -> set[str]:
    words = {word.strip() for word in environ.get(variable, "").split(",") if word.strip()}
    if words - set(known):
        raise ProvisionError(f"{variable} must be of {', '.join(known)}, but is {environ[variable]!r}")
    return words


def _bus(environ: Mapping[str, str]) -> BusSettings:
    return BusSettings(
        url=environ.get("NATS_URL") or "nats://nats:4222",
        user=TOPOLOGY.user,
        password=_password(environ),
        inbox_prefix=TOPOLOGY.inbox_prefix,
        name=TOPOLOGY.user,
    )


def _back_up(file: str, settings: BusSettings) -> None:
    if file == "-":
        held = asyncio.run(snapshots.save(settings, sys.stdout.buffer))
    else:
        # What people wrote is in it. Only a whole backup gets the name.
        written = Path(f"{file}.new")
        with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            held = asyncio.run(snapshots.save(settings, out))
            out.flush()
            os.fsync(out.fileno())
        written.replace(file)
    sys.stderr.write(f"saved messages: {snapshots.summary(held)}\n")


def _check(file: str) -> None:
    with _opened(file) as source:
        about = Reader.checked(source).about
    sys.stderr.write(f"whole, taken at {about['taken_at']}\n")


def _restore(arguments: argparse.Namespace, settings: BusSettings) -> None:
    if arguments.file != "-":
        _check(arguments.file)  # before anything is replaced
    with _opened(arguments.file) as source:
        back = asyncio.run(
            snapshots.bring_back(settings, source, replace=arguments.replace, replicas=arguments.replicas)
        )
    sys.stderr.write(f"brought back messages: {snapshots.summary(back)}\n")


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == "-" else open(file, "rb")


async def _declare(replicas: int, environ: Mapping[str, str]) -> None:
    settings = _bus(environ)
    until = time.monotonic() + WAIT_S
    while True:
        try:
            declared = await declare(settings, replicas=replicas)
        except ProvisionError:
            # The server may not be there yet, and a cluster has no leader for a while.
            if time.monotonic() > until:
                raise
            await asyncio.sleep(PAUSE_S)
        else:
            sys.stdout.write(f"streams made: {_names(declared.made)}; changed: {_names(declared.changed)}\n")
            return


def _password(environ: Mapping[str, str]) -> str:
    given = environ.get("NATS_PASSWORD")
    if given:
        return given
    folder = environ.get("SECRETS_DIR")
    if not folder:
        raise ProvisionError("set NATS_PASSWORD, or SECRETS_DIR to the folder that holds nats_password")
    return (Path(folder) / "nats_password").read_text(encoding="utf-8").strip()


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"


if __name__ == "__main__":
    sys.exit(main())
