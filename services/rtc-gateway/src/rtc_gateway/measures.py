"""What the gateway counts. Labels are names of ours, never what a stranger sent."""

from bus.metering import Counter, Histogram
from contracts import metrics


class Measures:
    """One set a process; `contracts.metrics` says what each is and which labels it has."""

    def __init__(self) -> None:
        self.sessions = Counter(metrics.SESSIONS)
        self.opened = Counter(metrics.CHANNELS)
        self.closed = Counter(metrics.CLOSED)
        self.offers = Counter(metrics.RTC_OFFERS)
        self.received = Counter(metrics.RECEIVED)
        self.refused = Counter(metrics.REFUSED)
        self.ignored = Counter(metrics.IGNORED)
        self.rtt = Histogram(metrics.ROUND_TRIP)
        self.connect = Histogram(metrics.CONNECT)
        self.replayed = Counter(metrics.REPLAYED)
        self.board_asks = Counter(metrics.BOARD_ASKS)
        self.boards_stale = Counter(metrics.BOARDS_STALE)
