"""Keeps turns from waiting, one after the other, for a server that is dead."""

import time
from collections.abc import Callable
from typing import Final

FAILURES_MAX: Final = 3
REST_S: Final = 10.0


class Breaker:
    """Opens after `failures_max` failures in a row and stays so for `rest_s`; then one try decides.

    `clock` tells seconds, monotonic.
    """

    def __init__(
        self, *, failures_max: int = FAILURES_MAX, rest_s: float = REST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures_max = failures_max
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._shut_again_at = 0.0

    def admits(self) -> bool:
        """Whether to try now. Of those who ask after a rest, the first may; the others wait for what comes of it."""
        if self._failures < self._failures_max:
            return True
        now = self._clock()
        if now < self._shut_again_at:
            return False
        self._shut_again_at = now + self._rest_s
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._failures_max:
            self._shut_again_at = self._clock() + self._rest_s
