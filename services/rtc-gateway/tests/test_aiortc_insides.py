"""What is used of aiortc's and aioice's insides is in the installed versions, is listed, and stands in one folder."""

import ast
from importlib.metadata import version
from pathlib import Path

from aioice import Candidate
from aioice.ice import Connection
from aiortc import RTCSctpTransport
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport

import rtc_gateway
from rtc_gateway.aiortc_insides import PRIVATE

SOURCES = Path(rtc_gateway.__path__[0])
INSIDES = SOURCES / "aiortc_insides"


def private_attributes(source: Path) -> set[str]:
    """The `_names` that a module takes of anything but itself."""
    return {
        node.attr
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"})
    }


def test_the_installed_versions_are_the_ones_whose_insides_are_known() -> None:
    assert version("aiortc").split(".")[:2] == ["1", "16"]
    assert version("aioice").split(".")[:2] == ["0", "13"]


async def test_every_private_attribute_that_is_used_exists() -> None:
    ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
    dtls = RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])
    instances = {
        RTCIceTransport: ice,
        RTCDtlsTransport: dtls,
        RTCSctpTransport: RTCSctpTransport(dtls),
        Connection: ice._connection,
        Candidate: Candidate.from_sdp("1 1 udp 1 192.0.2.9 9 typ host"),
    }
    assert instances.keys() == PRIVATE.keys()
    missing = [
        f"{kind.__name__}.{name}"
        for kind, names in PRIVATE.items()
        for name in sorted(names)
        if not hasattr(instances[kind], name)
    ]
    assert missing == []
    assert isinstance(ice._connection, Connection)


def test_every_private_attribute_that_is_used_is_listed() -> None:
    used = set().union(*(private_attributes(source) for source in INSIDES.glob("*.py")))
    assert used == set().union(*PRIVATE.values())


def test_no_private_attribute_is_used_outside_the_folder() -> None:
    reaching = {
        source.name: private_attributes(source) & set().union(*PRIVATE.values())
        for source in SOURCES.rglob("*.py")
        if INSIDES not in source.parents
    }
    assert {name: used for name, used in reaching.items() if used} == {}


def test_aioice_is_known_to_the_folder_alone() -> None:
    importing = [
        source.name
        for source in SOURCES.rglob("*.py")
        if INSIDES not in source.parents
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aioice")
    ]
    assert importing == []
