#!/usr/bin/env python3
"""Fills turnserver.conf from the environment and prints it: `python3 deploy/coturn/fill.py > turnserver.conf`.

Refuses what coturn would take in silence, such as an empty secret, by which everybody could make passwords. Needs
nothing but Python 3.11. Whoever fills the file by other means (envsubst, a compose file) should keep to the same rules.
"""

import ipaddress
import os
import re
import string
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).with_name("turnserver.conf")

# coturn drops "=" and spaces before a value and quotes around it, and reads lines of 1,024 bytes.
_SECRET: Final = re.compile(r"[A-Za-z0-9_/+-][A-Za-z0-9_/+=-]{23,199}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,126}")
_PATH: Final = re.compile(r"/[A-Za-z0-9._/+-]{1,499}")


def filled(template: str, values: Mapping[str, str]) -> str:
    """The configuration with its values. Raises ValueError with one line for each that is missing or unusable."""
    wrong = []
    for name, (usable, what) in PLACEHOLDERS.items():
        value = values.get(name, "")
        if not usable(value):
            shown = "is not set" if value == "" else "cannot be used" if "SECRET" in name else f"is {value!r}"
            wrong.append(f"{name} {shown}: it is {what}")
    if wrong:
        raise ValueError("\n".join(wrong))
    return string.Template(template).substitute({name: values.get(name, "") for name in PLACEHOLDERS})


def _is_address(value: str) -> bool:
    try:
        return not ipaddress.IPv4Address(value).is_unspecified
    except ValueError:
        return False


def _is_network(value: str) -> bool:
    first, dash, last = value.partition("-")
    if not _is_address(first) or not dash:
        return _is_address(value)
    return _is_address(last) and ipaddress.IPv4Address(first) <= ipaddress.IPv4Address(last)


_STRONG: Final = "24 to 200 letters, digits and _ / + = -, for example of `openssl rand -base64 32`"
PLACEHOLDERS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "TURN_IP": (_is_address, "the IPv4 address of this machine or container that coturn listens on and relays from"),
    "TURN_REALM": (_WORD.fullmatch, "a name, such as the domain of the page"),
    "TURN_SECRET": (_SECRET.fullmatch, f"signaling's TURN_SECRET: {_STRONG}"),
    "TURN_SECRET_BEFORE": (
        _SECRET.fullmatch,
        f"the secret before; where there is none, TURN_SECRET again: {_STRONG}",
    ),
    "GATEWAY_NETWORK": (
        _is_network,
        "the gateways' IPv4 address, or a range such as 10.0.0.5-10.0.0.9 (no 10.0.0.0/24)",
    ),
    "TURN_CERT": (_PATH.fullmatch, "the absolute path of the certificate chain in PEM; without a file there is no TLS"),
    "TURN_KEY": (_PATH.fullmatch, "the absolute path of its key in PEM"),
    "TURN_METRICS": (("", "prometheus").__contains__, "empty, or prometheus where coturn is built with it"),
}


def main() -> int:
    """The exit status: 0, or 2 with what is wrong on stderr."""
    try:
        sys.stdout.write(filled(TEMPLATE.read_text(encoding="utf-8"), os.environ))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
