"""A rate limit as a function of the time that is passed in."""


class TokenBucket:
    """`burst` at once, `per_second` in the long run."""

    def __init__(self, *, burst: int, per_second: float, now: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = float(burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; False if there is none. `now` is in seconds, of any clock that does not go back."""
        if self.empty(now):
            return False
        self._tokens -= 1
        return True

    def empty(self, now: float) -> bool:
        """Whether `take` would give none."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        return self._tokens < 1
