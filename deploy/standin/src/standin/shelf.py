"""Where the model is: in memory, on the disk for the first request to load, or nowhere."""

from enum import StrEnum


class Place(StrEnum):
    """The first two are LM Studio's own words in `/api/v0/models`."""

    LOADED = "loaded"
    NOT_LOADED = "not-loaded"  # listed all the same: the first request loads it, just in time
    ABSENT = "absent"  # nothing is listed, and a request is refused


class Shelf:
    """Holds the one model."""

    def __init__(self) -> None:
        self.place = Place.LOADED

    @property
    def listed(self) -> bool:
        return self.place is not Place.ABSENT

    def ask(self) -> bool:
        """Load it for a request, if need be; False if there is none."""
        if self.listed:
            self.place = Place.LOADED
        return self.listed
