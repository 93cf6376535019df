"""What a conversation asks of gateways, over the bus; what goes wrong comes back as a Problem fit for a client."""

import logging
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from bus.errors import BusError, NoReplyError, RemoteError, UnavailableError
from bus.interface import Bus
from bus.metering import Counter
from contracts import subjects
from contracts.gateway import Done, OpenPeer, PeerOpened
from contracts.message import ErrorCode, Problem
from contracts.metrics import OFFERS
from signaling.actions import Forward, HangUp

log = logging.getLogger(__name__)

OFFER_TRIES: Final = 3
_OFFERS: Final = Counter(OFFERS)
_ASK_ANOTHER: Final = frozenset({ErrorCode.CAPACITY, ErrorCode.UNAVAILABLE})
_AWAY: Final = Problem(code=ErrorCode.UNAVAILABLE, detail="the system's bus is away; nothing was done, try again")
_NO_GATEWAY: Final = Problem(code=ErrorCode.CAPACITY, detail="no gateway can take another session now; try again")
_SILENT: Final = Problem(code=ErrorCode.TIMEOUT, detail="no gateway answered in time; try again")
_GATEWAY_LEFT: Final = Problem(code=ErrorCode.UNAVAILABLE, detail="the gateway that answered is gone; offer again")


@dataclass(frozen=True)
class Gateways:
    """Every gateway, as one process of signaling sees them. Time-outs are in seconds."""

    bus: Bus
    offer_timeout_s: float
    candidate_timeout_s: float

    async def open_peer(self, offer: OpenPeer) -> PeerOpened | Problem:
        """Have whichever gateway has room answer an offer. Never raises for what a gateway or the bus does.

        One that has just become full, or goes, may be asked before it has left the queue group: then another is.
        """
        answer = await self._open_peer(offer)
        _OFFERS.add(1, {"result": answer.code.value if isinstance(answer, Problem) else "answered"})
        return answer

    async def _open_peer(self, offer: OpenPeer) -> PeerOpened | Problem:
        tries = 0
        while True:
            tries += 1
            try:
                return await self.bus.request(subjects.RTC_OFFER, offer, PeerOpened, timeout=self.offer_timeout_s)
            except RemoteError as error:
                if tries == OFFER_TRIES or error.problem.code not in _ASK_ANOTHER:
                    return error.problem
            except UnavailableError:
                return _NO_GATEWAY if self.bus.connected else _AWAY
            except NoReplyError:
                return _SILENT
            except (BusError, ValidationError) as error:
                return _problem_of(error)

    async def deliver(self, action: Forward | HangUp) -> Problem | None:
        """Bring a candidate or a hang-up to the gateway that answered; None when it has it. Never raises, as above."""
        if isinstance(action, Forward):
            subject = subjects.rtc_candidate(action.instance)
        else:
            subject = subjects.rtc_close(action.instance)
        try:
            await self.bus.request(subject, action.message, Done, timeout=self.candidate_timeout_s)
        except (UnavailableError, NoReplyError):
            return _GATEWAY_LEFT
        except (BusError, ValidationError) as error:
            return _problem_of(error)
        return None


def _problem_of(error: BusError | ValidationError) -> Problem:
    if isinstance(error, RemoteError):
        return error.problem
    # A gateway of another version, or a bus user with too few permissions: an operator must hear of it.
    log.error("gateway not understood", exc_info=error)
    return Problem(code=ErrorCode.INTERNAL, detail="a gateway's answer could not be used; try again")
