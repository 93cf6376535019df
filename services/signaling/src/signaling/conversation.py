"""One socket's conversation as a state machine: typed messages in, actions out. No I/O, no clock, no tasks.

What arrives is passed in by `receive` (from the client), by `admitted` and `refused` (from the entrance), and by
`peer_opened`, `peer_refused` and `forward_failed` (from gateways); `signaling.socket` carries the returned actions out,
in order.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from contracts import limits
from contracts.gateway import AddCandidate, ClosePeer, OpenPeer, PeerOpened
from contracts.message import ErrorCode, Problem, preview
from contracts.signaling import (
    Answer,
    Bye,
    Candidate,
    Hello,
    Offer,
    Seen,
    SignalingDraining,
    SignalingError,
)
from contracts.tokens import InstanceId, SessionId
from runtime.rate import TokenBucket
from signaling.actions import Actions, Admit, Close, CloseCode, Forward, HangUp, RequestPeer, Send
from signaling.admission import Admission
from signaling.inbound import ClientMessage

_TIME_ZONE: Final = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


class State(StrEnum):
    """Where a conversation stands."""

    WAITING_HELLO = "waiting_hello"
    ENTERING = "entering"  # a hello has come; whether its client may enter is being found out
    READY = "ready"  # no offer yet, or the last one failed
    OFFERING = "offering"  # a gateway has been asked
    ANSWERED = "answered"  # a gateway has answered; whether a channel opens is between it and the client
    CLOSED = "closed"


@dataclass(frozen=True)
class Rules:
    """The bounds of one socket. A burst holds an offer and a browser's every candidate."""

    offers_max: int = 30
    offers_unanswered_max: int = 3
    errors_max: int = 20
    messages_burst: int = 100
    messages_per_second: float = 20.0
    hello_timeout_s: float = 10.0
    retry_after_ms: int = 500


@dataclass
class _Attempt:
    """The offer that counts, which is the newest."""

    number: int
    candidates: int = 0
    held: list[Candidate] = field(default_factory=list)
    instance: InstanceId | None = None
    failed: bool = False  # it was never answered, and will not be
    deaf: bool = False  # it was answered, but candidates no longer arrive there


class Conversation:
    """The state of one socket. Every method returns what is to be done; after a Close, nothing more is."""

    def __init__(self, rules: Rules, *, now: float) -> None:
        self._rules = rules
        self._bucket = TokenBucket(burst=rules.messages_burst, per_second=rules.messages_per_second, now=now)
        self._closed = False
        self._errors = 0
        self._offers = 0
        self._unanswered = 0
        self._answered = False
        self._hello: Hello | None = None
        self._admission: Admission | None = None
        self._attempt: _Attempt | None = None

    @property
    def state(self) -> State:
        if self._closed:
            return State.CLOSED
        if self._hello is None:
            return State.WAITING_HELLO
        if self._admission is None:
            return State.ENTERING
        if self._attempt is None or self._attempt.failed:
            return State.READY
        return State.OFFERING if self._attempt.instance is None else State.ANSWERED

    @property
    def session(self) -> SessionId | None:
        """None before the client has been admitted."""
        return self._admission.session if self._admission else None

    def receive(self, incoming: ClientMessage | Problem, *, now: float) -> Actions:
        """Take what one frame was parsed into, at `now` (seconds of a monotonic clock)."""
        if self._closed:
            return ()
        if not self._bucket.take(now):
            rate = f"is beyond {self._rules.messages_per_second:g} messages a second and was dropped; send fewer"
            return self._complain(Problem(code=ErrorCode.RATE, detail=rate))
        return self._take(incoming)

    def admitted(self, admission: Admission) -> Actions:
        """The client may enter."""
        if self.state is not State.ENTERING:
            return ()
        self._admission = admission
        return (Send(admission.ready),)

    def refused(self, problem: Problem) -> Actions:
        """The client may not enter: for good if the problem is final, else by another socket, later."""
        if self.state is not State.ENTERING:
            return ()
        return (*self._tell(problem), *self._close(CloseCode.TRY_LATER, problem.code.value))

    def peer_opened(self, attempt: int, peer: PeerOpened) -> Actions:
        """A gateway answered the offer of `attempt`."""
        self._unanswered -= 1
        current = self._attempt
        if self._closed or current is None or self._admission is None:
            return ()
        entered = self._admission
        if current.number != attempt:
            # The client has moved on and will never see this answer, so this peer could only wait for its time-out.
            return (_hang_up(entered, peer.instance, attempt),)
        current.instance = peer.instance
        self._answered = True
        held, current.held = current.held, []
        return (
            Send(Answer(attempt=attempt, sdp=peer.sdp)),
            *(_forward(entered, peer.instance, candidate) for candidate in held),
        )

    def peer_refused(self, attempt: int, problem: Problem) -> Actions:
        """No gateway answered the offer of `attempt`, or one refused it; the client may offer again."""
        self._unanswered -= 1
        if self._closed or self._attempt is None or self._attempt.number != attempt:
            return ()
        self._attempt.failed = True
        self._attempt.held = []
        return self._tell(problem, attempt)

    def forward_failed(self, attempt: int, problem: Problem) -> Actions:
        """A candidate of `attempt` was refused, or did not arrive."""
        current = self._attempt
        if self._closed or current is None or current.number != attempt or current.deaf:
            return ()
        if problem.field is None:
            problem = problem.model_copy(update={"field": "candidate"})
        if problem.code is ErrorCode.INVALID:
            return self._complain(problem, attempt)
        # The gateway or its peer is gone: one word about it, not one for each candidate that follows.
        current.deaf = True
        return self._tell(problem, attempt)

    def hello_is_late(self) -> Actions:
        """The time for a hello has passed."""
        if self.state is not State.WAITING_HELLO:
            return ()
        seconds = self._rules.hello_timeout_s
        problem = Problem(code=ErrorCode.TIMEOUT, detail=f"no hello came within {seconds:g} s; open a new socket")
        return (*self._tell(problem), *self._close(CloseCode.POLICY, "no hello"))

    def drain(self) -> Actions:
        """This process is going. What was opened lives on at its gateway."""
        if self._closed:
            return ()
        draining = SignalingDraining(retry_after_ms=self._rules.retry_after_ms)
        return (Send(draining), *self._close(CloseCode.GOING_AWAY, "draining"))

    def _take(self, incoming: ClientMessage | Problem) -> Actions:
        match incoming:
            case Problem():
                return self._complain(incoming)
            case Hello():
                return self._on_hello(incoming)
            case Offer():
                return self._on_offer(incoming)
            case Candidate():
                return self._on_candidate(incoming)
            case Bye():
                return self._on_bye()
            case _:
                assert_never(incoming)

    def _on_hello(self, hello: Hello) -> Actions:
        if self._hello is not None:
            return self._complain(
                Problem(code=ErrorCode.INVALID, field="type", value="hello", detail="was said before")
            )
        if hello.version != limits.PROTOCOL_VERSION:
            unsupported = Problem(
                code=ErrorCode.UNSUPPORTED_VERSION,
                field="version",
                value=preview(str(hello.version)),
                detail=f"is not spoken here; this server speaks {limits.PROTOCOL_VERSION}",
                final=True,
            )
            return self._tell(unsupported)
        if _TIME_ZONE.fullmatch(hello.time_zone) is None:
            detail = "is not an IANA time zone's name; send one like Europe/Berlin"
            return self._complain(
                Problem(code=ErrorCode.INVALID, field="time_zone", value=preview(hello.time_zone), detail=detail)
            )
        self._hello = hello
        return (Admit(hello),)

    def _on_offer(self, offer: Offer) -> Actions:
        if self._admission is None or self._hello is None:
            return self._hello_is_due(offer.type)
        if self._attempt is not None and offer.attempt <= self._attempt.number:
            detail = f"is not above {self._attempt.number}; number each offer higher than the one before"
            return self._complain(
                Problem(code=ErrorCode.INVALID, field="attempt", value=str(offer.attempt), detail=detail), offer.attempt
            )
        if self._offers >= self._rules.offers_max:
            spent = Problem(code=ErrorCode.LIMIT, detail=f"is beyond {self._offers} offers a socket; open a new one")
            return (*self._tell(spent, offer.attempt), *self._close(CloseCode.POLICY, "too many offers"))
        if self._unanswered >= self._rules.offers_unanswered_max:
            waiting = f"comes while {self._unanswered} offers have no answer; wait for it"
            return self._complain(Problem(code=ErrorCode.RATE, detail=waiting), offer.attempt)
        self._offers += 1
        self._unanswered += 1
        self._attempt = _Attempt(offer.attempt)
        entered = self._admission
        peer = OpenPeer(
            session=entered.session,
            owner=entered.owner,
            epoch=entered.epoch,
            attempt=offer.attempt,
            time_zone=self._hello.time_zone,
            # Where an offer of this socket was answered before, something may have been told, and be missed now.
            resumed=entered.resumed or self._answered,
            # What it saw of another session says nothing about this one.
            last_seen=self._hello.last_seen if entered.resumed else Seen() if self._answered else None,
            token_expires_at=entered.token_expires_at,
            sdp=offer.sdp,
        )
        return (RequestPeer(peer),)

    def _on_candidate(self, candidate: Candidate) -> Actions:
        if self._admission is None:
            return self._hello_is_due(candidate.type)
        current = self._attempt
        if current is None or candidate.attempt > current.number:
            detail = "is of an attempt that was not offered; send its offer first"
            return self._complain(
                Problem(code=ErrorCode.INVALID, field="attempt", value=str(candidate.attempt), detail=detail)
            )
        if candidate.attempt < current.number or current.failed or current.deaf:
            return ()
        current.candidates += 1
        if current.candidates > limits.CANDIDATES_MAX:
            # One word for all of them: a machine with many networks means no harm.
            first = current.candidates == limits.CANDIDATES_MAX + 1
            detail = f"is beyond {limits.CANDIDATES_MAX} candidates an attempt; it and those after it are left out"
            over = Problem(code=ErrorCode.LIMIT, field="candidate", detail=detail)
            return self._complain(over, current.number) if first else ()
        if current.instance is None:
            current.held.append(candidate)
            return ()
        return (_forward(self._admission, current.instance, candidate),)

    def _on_bye(self) -> Actions:
        """An offer still unanswered is left to the gateway's own time-out: nobody knows yet where it is."""
        hang_up: Actions = ()
        if self._attempt is not None and self._attempt.instance is not None and self._admission is not None:
            hang_up = (_hang_up(self._admission, self._attempt.instance, self._attempt.number),)
        return (*hang_up, *self._close(CloseCode.NORMAL, "bye"))

    def _hello_is_due(self, kind: str) -> Actions:
        detail = "comes before ready; wait for it" if self._hello else "comes before hello; say hello first"
        return self._complain(Problem(code=ErrorCode.INVALID, field="type", value=kind, detail=detail))

    def _complain(self, problem: Problem, attempt: int | None = None) -> Actions:
        """Tell the client of its own mistake, and count it."""
        self._errors += 1
        told = self._tell(problem, attempt)
        if self._errors < self._rules.errors_max:
            return told
        return (*told, *self._close(CloseCode.POLICY, "too many errors"))

    def _tell(self, problem: Problem, attempt: int | None = None) -> Actions:
        error = SignalingError.model_validate({**problem.model_dump(), "attempt": attempt})
        return (Send(error), *(self._close(CloseCode.POLICY, problem.code.value) if problem.final else ()))

    def _close(self, code: CloseCode, reason: str) -> Actions:
        if self._closed:
            return ()
        self._closed = True
        return (Close(code, reason),)


def _forward(entered: Admission, instance: InstanceId, candidate: Candidate) -> Forward:
    return Forward(
        instance,
        AddCandidate(
            session=entered.session, epoch=entered.epoch, attempt=candidate.attempt, candidate=candidate.candidate
        ),
    )


def _hang_up(entered: Admission, instance: InstanceId, attempt: int) -> HangUp:
    return HangUp(instance, ClosePeer(session=entered.session, epoch=entered.epoch, attempt=attempt))
