"""The tables of `bench.loss`."""

from bench.figures import Figure
from bench.loss.measuring import LOSSES, Cells, Openings
from bench.loss.variants import AIORTC, TIMERS, TRAFFIC, Traffic

MESSAGES = (
    "| loss | messages | least timer | ms p50 | p95 | p99 | most | n | p99, aiortc's = 1 | sent again | SCTP's rtt |"
)
OPENING = "| loss | least timer | ms p50 | p95 | most | n | not within 30 s |"


def message_table(client: str, cells: Cells) -> str:
    """One row for each loss, traffic and set of timers."""
    rows: list[str] = []
    for loss in LOSSES:
        for traffic in TRAFFIC:
            of_aiortc = Figure("", tuple(_samples(cells, loss, traffic, AIORTC)))
            for timers in TIMERS:
                cell = cells[loss, traffic, timers]
                figure = Figure("", tuple(_samples(cells, loss, traffic, timers)))
                row = (
                    f"{loss} %",
                    traffic.name + (f" ({cell.missing} never came)" if cell.missing else ""),
                    timers,
                    *(f"{value:.0f}" for value in (figure.p50, figure.p95, figure.p99, max(figure.samples))),
                    len(figure.samples),
                    f"{figure.p99 / of_aiortc.p99:.2f}",
                    f"{100 * cell.repeated / cell.packets:.1f} %",
                    f"{Figure('', tuple(cell.rtt_ms)).p50:.0f}" if cell.rtt_ms else "-",
                )
                rows.append("| " + " | ".join(str(part) for part in row) + " |")
    title = f"Messages from the gateway to {client}: later than the fastest; of those answered, the round trip"
    return _table(title, MESSAGES, rows)


def opening_table(client: str, openings: Openings) -> str:
    """One row for each loss and set of timers."""
    rows: list[str] = []
    for (loss, timers), took in openings.items():
        opened = tuple(milliseconds for milliseconds in took if milliseconds is not None)
        figure = Figure("", opened)
        row = (
            f"{loss} %",
            timers,
            *(f"{value:.0f}" for value in (figure.p50, figure.p95, max(opened))),
            len(opened),
            len(took) - len(opened),
        )
        rows.append("| " + " | ".join(str(part) for part in row) + " |")
    return _table(f"Opening a connection from {client}, from the answer on", OPENING, rows)


def _samples(cells: Cells, loss: int, traffic: Traffic, timers: str) -> list[float]:
    cell = cells[loss, traffic, timers]
    return cell.answered_ms if traffic.answered else cell.late_ms


def _table(title: str, head: str, rows: list[str]) -> str:
    rule = "|---" * (head.count("|") - 1) + "|"
    return "\n".join(("", f"**{title}**", "", head, rule, *rows))
