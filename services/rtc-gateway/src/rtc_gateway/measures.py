"""What the gateway counts, as OpenTelemetry instruments. Labels are names of ours, never what a stranger sent."""

from dataclasses import dataclass
from typing import Self

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter


@dataclass(frozen=True)
class Measures:
    """One set a process."""

    sessions: UpDownCounter
    closed: Counter
    received: Counter
    refused: Counter
    ignored: Counter
    rtt: Histogram
    connect: Histogram
    replayed: Counter
    board_asks: Counter
    boards_stale: Counter

    @classmethod
    def of(cls, meter: Meter) -> Self:
        return cls(
            sessions=meter.create_up_down_counter("rtc.sessions", unit="{session}"),
            closed=meter.create_counter("rtc.sessions.closed", unit="{session}", description="by reason"),
            received=meter.create_counter("rtc.messages.received", unit="{message}", description="by type"),
            refused=meter.create_counter("rtc.messages.refused", unit="{message}", description="by code"),
            ignored=meter.create_counter("rtc.events.ignored", unit="{event}", description="by cause"),
            rtt=meter.create_histogram("rtc.ping.rtt", unit="ms", description="of our own pings"),
            connect=meter.create_histogram(
                "rtc.connect.duration", unit="ms", description="as pages measure it, by local, remote and protocol"
            ),
            replayed=meter.create_counter(
                "rtc.events.replayed", unit="{event}", description="told to a session that came back"
            ),
            board_asks=meter.create_counter(
                "rtc.board.asks", unit="{request}", description="for changes that events did not bring, by result"
            ),
            boards_stale=meter.create_counter(
                "rtc.board.stale", unit="{message}", description="pages told to read the state again"
            ),
        )
