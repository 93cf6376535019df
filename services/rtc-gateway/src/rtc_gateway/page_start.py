"""Where a page of history begins: a place in the stream with a page's worth of turns behind it. Pure.

A stream is read forwards, and says of each place how many messages it holds behind it. So the place is looked for
between two that are known: behind the one are too many turns, behind the other too few.
"""

from dataclasses import dataclass, field

SPARE_MIN = 8


@dataclass
class PageStart:
    """Looks for a place with at least `limit` turns behind it and up to `end`, and not many more.

    `held`: how many turns there are up to `end`. Ask how many are behind `place`, tell it with `told`, until `found`.
    """

    limit: int
    end: int
    held: int
    _low: int = field(init=False, default=0)
    _few: int = field(init=False, default=0)
    _asked: int = field(init=False, default=0)

    @property
    def found(self) -> bool:
        """Whether what is behind `place` is to be read; all of a short session is."""
        return self.held <= self.limit + self._spare

    @property
    def place(self) -> int:
        """The sequence to ask about; once found, the one behind which the page begins."""
        if self.found or self.end - self._low < 2:
            return self._low
        # Where it would be if turns came evenly; every other time the middle, for those that do not.
        share = (self.held - self.limit - self._spare // 2) / (self.held - self._few) if self._asked % 2 == 0 else 0.5
        guess = self._low + int((self.end - self._low) * share)
        return min(max(guess, self._low + 1), self.end - 1)

    @property
    def _spare(self) -> int:
        return max(SPARE_MIN, self.limit // 2)

    def told(self, place: int, count: int) -> None:
        """There are `count` turns behind `place`, up to the first end."""
        self._asked += 1
        if count < self.limit:
            self.end, self._few = place, count
        else:
            self._low, self.held = place, count
