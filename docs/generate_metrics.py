"""Writes the tables of docs/metrics.md, below its marker, from `contracts.metrics`; with --check it only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contracts.instruments import Instrument, Label
from contracts.metrics import AGENT, BRIDGE, EVERY, GATEWAY, INSTRUMENTS, SIGNALING, STORE

PAGE: Final = Path(__file__).with_name("metrics.md")
MARKER: Final = "<!-- Generated from packages/contracts by docs/generate_metrics.py. Do not edit below. -->\n"
VALUES_SHOWN: Final = 6
_SECTIONS: Final = (
    ("agent", AGENT),
    ("rtc-gateway", GATEWAY),
    ("signaling", SIGNALING),
    ("todo-store", STORE),
    ("mcp-bridge", BRIDGE),
    ("Every service", EVERY),
)


def page() -> str:
    """What is written by hand, and the tables as they have to be."""
    lines = [PAGE.read_text(encoding="utf-8").partition(MARKER)[0] + MARKER]
    for title, services in _SECTIONS:
        lines += [f"## {title}", "", "| metric | | labels | |", "|---|---|---|---|"]
        lines += [_row(instrument) for instrument in INSTRUMENTS if instrument.services == services]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(instrument: Instrument) -> str:
    kind = instrument.kind.value.removeprefix("observable_").replace("up_down_counter", "gauge")
    labels = "<br>".join(_label(label) for label in instrument.labels)
    return f"| `{instrument.prometheus}` | {kind} | {labels} | {instrument.description} |"


def _label(label: Label) -> str:
    name = f"`{label.prometheus}{'?' if label.optional else ''}`"
    return f"{name}: {', '.join(_values(label))}"


def _values(label: Label) -> Iterator[str]:
    if len(label.values) <= VALUES_SHOWN:
        yield from sorted(label.values)
    else:
        yield f"{len(label.values)} of {label.source}"


def main() -> None:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/metrics.md does not match packages/contracts; run .venv/bin/python docs/generate_metrics.py")


if __name__ == "__main__":
    main()
