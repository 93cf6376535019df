"""How many sockets, hellos and refusals come from one address, and how many of one owner. No I/O.

Everything here is checked before a token is, and costs a look into a table of bounded size.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from contracts.message import ErrorCode, Problem
from contracts.tokens import OwnerKey
from runtime.rate import TokenBucket

_TOO_MANY_HELLOS: Final = Problem(
    code=ErrorCode.RATE, detail="too many connections are being opened from your address; try again in a while"
)
_TOO_MANY_REFUSALS: Final = Problem(
    code=ErrorCode.RATE, detail="too many access tokens from your address were refused; try again in a minute"
)
_TOO_MANY_OF_OWNER: Final = Problem(
    code=ErrorCode.RATE, detail="you are opening too many connections; try again in a while"
)


@dataclass(frozen=True)
class Rate:
    """`burst` at once, `per_second` in the long run."""

    burst: int
    per_second: float


@dataclass(frozen=True)
class Bounds:
    """`known_max`: so many addresses, and so many owners, are remembered; those longest unseen are forgotten first."""

    sockets_per_address: int = 256
    waiting_per_address: int = 32  # of these, who have not been let in yet
    waiting_max: int = 500  # of all
    sockets_per_owner: int = 64
    hellos_per_address: Rate = Rate(100, 10.0)
    refusals_per_address: Rate = Rate(20, 0.2)
    hellos_per_owner: Rate = Rate(60, 0.5)
    known_max: int = 10_000


class _Buckets:
    """A token bucket for each of the names seen last."""

    def __init__(self, rate: Rate, known_max: int) -> None:
        self._rate = rate
        self._known_max = known_max
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, name: str, now: float) -> TokenBucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = TokenBucket(burst=self._rate.burst, per_second=self._rate.per_second, now=now)
            self._buckets[name] = bucket
            if len(self._buckets) > self._known_max:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        return bucket


class Crowd:
    """Everybody who is connected to this process. `bounds` None: nobody is counted. `clock` gives seconds."""

    def __init__(self, bounds: Bounds | None, clock: Callable[[], float]) -> None:
        self.bounds = bounds
        self.clock = clock
        limits = bounds or Bounds()
        self.sockets_of_address: Counter[str] = Counter()
        self.waiting_of_address: Counter[str] = Counter()
        self.sockets_of_owner: Counter[OwnerKey] = Counter()
        self.hellos_of_address = _Buckets(limits.hellos_per_address, limits.known_max)
        self.refusals_of_address = _Buckets(limits.refusals_per_address, limits.known_max)
        self.hellos_of_owner = _Buckets(limits.hellos_per_owner, limits.known_max)

    def full_for(self, address: str) -> bool:
        """Whether one more socket from `address` would be too many. Whoever has said nothing yet has less room, so that
        they cannot take that of those who have."""
        bounds = self.bounds
        if bounds is None:
            return False
        return (
            self.sockets_of_address[address] >= bounds.sockets_per_address
            or self.waiting_of_address[address] >= bounds.waiting_per_address
            or self.waiting_of_address.total() >= bounds.waiting_max
        )

    @contextmanager
    def holding(self, address: str) -> Iterator["Place"]:
        """Count a socket from `address` for the length of the block."""
        place = Place(self, address)
        self.sockets_of_address[address] += 1
        self.waiting_of_address[address] += 1
        try:
            yield place
        finally:
            _less(self.sockets_of_address, address)
            if place.owner is None:
                _less(self.waiting_of_address, address)
            else:
                _less(self.sockets_of_owner, place.owner)


@dataclass
class Place:
    """One socket among the others."""

    crowd: Crowd = field(repr=False)
    address: str = field(repr=False)
    owner: OwnerKey | None = None

    def hello(self) -> Problem | None:
        """Count a hello. Why it is not even looked at, if it is not."""
        crowd = self.crowd
        if crowd.bounds is None:
            return None
        now = crowd.clock()
        if not crowd.hellos_of_address.of(self.address, now).take(now):
            return _TOO_MANY_HELLOS
        if crowd.refusals_of_address.of(self.address, now).empty(now):
            return _TOO_MANY_REFUSALS
        return None

    def refused(self) -> None:
        """Count a token that was refused."""
        if self.crowd.bounds is None:
            return
        now = self.crowd.clock()
        self.crowd.refusals_of_address.of(self.address, now).take(now)

    def enter(self, owner: OwnerKey) -> Problem | None:
        """Count this socket as one of its owner's. Why it is one too many, if it is."""
        crowd = self.crowd
        if crowd.bounds is None:
            return None
        most = crowd.bounds.sockets_per_owner
        if crowd.sockets_of_owner[owner] >= most:
            detail = f"you have {most} connections open here, which is the most; close one, then try again"
            return Problem(code=ErrorCode.LIMIT, detail=detail)
        now = crowd.clock()
        if not crowd.hellos_of_owner.of(owner, now).take(now):
            return _TOO_MANY_OF_OWNER
        crowd.sockets_of_owner[owner] += 1
        _less(crowd.waiting_of_address, self.address)
        self.owner = owner
        return None


def _less(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if counter[name] <= 0:
        del counter[name]
