"""The configurations of NATS and coturn, each made in its own pod from the Secret that is mounted there."""

from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Network
from pathlib import Path
from typing import Final

from contracts.permissions import USERS
from provision import coturn, nats_server
from provision.cluster.making import COTURN, NATS, SOURCES
from provision.errors import ProvisionError

CLIENTS: Final = "0.0.0.0:4222"
MONITORING: Final = "0.0.0.0:8222"
MEMBERS: Final = "0.0.0.0:6222"
POD_NETWORK_BITS: Final = 16
CERTIFICATE: Final = "/run/turn-tls/tls.crt"
KEY: Final = "/run/turn-tls/tls.key"


def nats(name: str, members: Sequence[str], store: str, secrets: Path) -> str:
    """nats.conf of one server. `members`: all servers as `host:port`, itself among them; of one alone, none.

    Raises ProvisionError where a password is missing.
    """
    held = _held(secrets, SOURCES[NATS])
    place = nats_server.Place(
        name=name,
        listen=CLIENTS,
        monitoring=MONITORING,
        store=store,
        cluster_listen=MEMBERS if members else None,
        cluster_password=held[nats_server.ROUTES],
        routes=tuple(members),
    )
    passwords = {user.user: held[user.user] for user in USERS}
    return nats_server.text_of(nats_server.configuration(place, passwords))


def turnserver(template: Path, secrets: Path, environ: Mapping[str, str]) -> str:
    """turnserver.conf of a pod: TURN_IP is its own address. Raises ProvisionError for what coturn would take amiss."""
    held = _held(secrets, SOURCES[COTURN])
    address = environ.get("TURN_IP", "")
    values = {
        "TURN_IP": address,
        "TURN_REALM": environ.get("TURN_REALM", ""),
        "GATEWAY_NETWORK": environ.get("GATEWAY_NETWORK") or around(address),
        "TURN_METRICS": environ.get("TURN_METRICS", ""),
        # Where there is no file, coturn serves UDP and TCP and no TLS.
        "TURN_CERT": CERTIFICATE,
        "TURN_KEY": KEY,
        "TURN_SECRET": held["turn_secret"],
        "TURN_SECRET_BEFORE": held["turn_secret_before"],
    }
    return coturn.filled(template, values)


def around(address: str) -> str:
    """The /16 of an address, as coturn writes a range: most clusters give their pods addresses of one."""
    try:
        network = IPv4Network(f"{address}/{POD_NETWORK_BITS}", strict=False)
    except (AddressValueError, ValueError) as error:
        raise ProvisionError(f"TURN_IP is {address!r}: it is this pod's IPv4 address, status.podIP") from error
    return f"{network[0]}-{network[-1]}"


def _held(folder: Path, keys: Sequence[str]) -> dict[str, str]:
    try:
        return {key: (folder / key).read_text(encoding="utf-8").strip() for key in keys}
    except OSError as error:
        raise ProvisionError(f"{error.filename} cannot be read; SECRETS_DIR is {folder}") from error
