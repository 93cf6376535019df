"""Whether the model can be asked, from the server's list and from what calls come to. Pure; times are in seconds.

The newest word counts, but for this: what a call was told stands against a list that only says what could be loaded.
"""

from dataclasses import dataclass
from typing import Final

from agent.faults import ModelFault
from agent.model_listing import Listing
from contracts.model_status import ModelState

TOLD_COUNTS_S: Final = 30.0
"""So long stands what a call was told, against a list; then the list counts again, and the next call decides."""

_STATE_OF: Final = {
    ModelFault.UNREACHABLE: ModelState.UNREACHABLE,
    ModelFault.BAD_ENDPOINT: ModelState.UNREACHABLE,
    ModelFault.LOADING: ModelState.LOADING,
    ModelFault.NOT_LOADED: ModelState.NOT_LOADED,
}


@dataclass(frozen=True)
class Health:
    """What an agent reports."""

    state: ModelState
    name: str | None = None
    stand_in: bool = False


class ModelHealth:
    """Of one model server, as one agent sees it."""

    def __init__(self) -> None:
        self._looked = False
        self._listing: Listing | None = None
        self._asking = 0
        self._told: ModelState | None = None
        self._told_at = 0.0
        self._told_beside: Listing | None = None

    def asked(self) -> None:
        """A call has begun."""
        self._asking += 1

    def let_go(self) -> None:
        """A call has ended, and says nothing."""
        self._asking -= 1

    def answered(self, fault: ModelFault | None, now: float) -> None:
        """A call has ended: with an answer of the model, or with a fault."""
        self._asking -= 1
        state = ModelState.READY if fault is None else _STATE_OF.get(fault)
        if state is None:
            return
        self._told, self._told_at, self._told_beside = state, now, self._listing

    def looked(self, listing: Listing | None, now: float) -> None:
        """What the server lists; None where no server answers with a list."""
        self._looked, self._listing = True, listing
        if self._told is None:
            return
        if listing is None or self._told is ModelState.UNREACHABLE or listing.loaded:
            self._told = None
        elif self._told is ModelState.READY:
            # It answers though the one that is wanted is not listed: any name is served by the one that is loaded.
            if listing != self._told_beside:
                self._told = None
        elif now - self._told_at >= TOLD_COUNTS_S:
            self._told = None

    def health(self) -> Health | None:
        """What is known; None before anything is."""
        state = self._told if self._told is not None else self._by_list()
        if state is None:
            return None
        listing = self._listing
        return Health(state) if listing is None else Health(state, listing.name, listing.stand_in)

    def _by_list(self) -> ModelState | None:
        if not self._looked:
            return None
        listing = self._listing
        if listing is None:
            return ModelState.UNREACHABLE
        if listing.name is None:
            return ModelState.NOT_LOADED
        # A model that is listed and not loaded is loaded by the first request, and ready for that.
        return ModelState.LOADING if listing.loading or (listing.loaded is False and self._asking) else ModelState.READY
