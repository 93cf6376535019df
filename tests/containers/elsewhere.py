"""Another machine of the network: a namespace with a line to this one, and a firewall that lets out what it is told."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.lab import namespace
from bench.lab.namespace import Namespace, run

HOST: Final = "10.98.77.1"
"""This machine's address on that line: what DOCKER_HOST_IP is."""
CLIENT: Final = "10.98.77.2"
NETWORK: Final = 24
TABLE: Final = "elsewhere"


class ThisMachine(Namespace):
    """The namespace that we are in ourselves, for what goes from one into another."""

    def __init__(self) -> None:
        super().__init__("here")

    @property
    def path(self) -> Path:
        return Path(f"/proc/{os.getpid()}/ns/net")


@dataclass(frozen=True)
class Elsewhere:
    """`client` is where programs of that machine run."""

    client: Namespace

    def let_out(self, *rules: str) -> None:
        """What its firewall lets out from now on, as nftables' conditions: `tcp dport 5443`."""
        answers = "ct state established,related accept"
        self.client.nft(
            "\n".join(
                (
                    f"table inet {TABLE} {{ }}",
                    f"delete table inet {TABLE}",
                    f"table inet {TABLE} {{",
                    "counter refused { }",
                    # Whoever is asked from outside would otherwise answer, and so find a way that we have not let out.
                    "chain input { type filter hook input priority filter; policy drop;",
                    f'iifname "lo" accept\n{answers}\n}}',
                    "chain output { type filter hook output priority filter; policy drop;",
                    f'oifname "lo" accept\n{answers}',
                    *(f"{rule} accept" for rule in rules),
                    "counter name refused\n}",
                    "}\n",
                )
            )
        )

    def refused(self) -> int:
        """How many packets it did not let out since then."""
        return self.client.counters(TABLE)["refused"]


@contextlib.contextmanager
def another_machine() -> Iterator[Elsewhere]:
    """That machine for the length of the block. Removes what killed runs left first."""
    namespace.sweep()
    client = namespace.add("elsewhere")
    try:
        link = f"lan{os.getpid()}"
        run("ip", "link", "add", link, "type", "veth", "peer", "name", "lan", "netns", client.name)
        run("ip", "address", "add", f"{HOST}/{NETWORK}", "dev", link)
        run("ip", "link", "set", link, "up")
        client.ip("address", "add", f"{CLIENT}/{NETWORK}", "dev", "lan")
        client.ip("link", "set", "lan", "up")
        # By this way it would reach the containers themselves: what keeps it from them is its firewall alone.
        client.ip("route", "add", "default", "via", HOST)
        yield Elsewhere(client)
    finally:
        namespace.remove(client)
