"""What a session was told of each stream, against what the stream holds of it. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

from contracts.channel import TurnCompletedEvent, TurnPhaseEvent
from contracts.streams import CHAT, OUT


class Entry(NamedTuple):
    """One event: its place in a stream, and what it is about. Of two about the same the stream keeps the later."""

    stream: str
    sequence: int
    about: tuple[str, str]

    @classmethod
    def of(cls, event: TurnCompletedEvent | TurnPhaseEvent) -> Self:
        """Of what a client was told. Every event that is told in its order has a number."""
        assert event.seq is not None
        if isinstance(event, TurnCompletedEvent):
            return cls(CHAT, event.seq, (event.turn.turn_id, "completed"))
        return cls(OUT, event.seq, (event.turn_id, event.phase.value))

    @classmethod
    def stored(cls, stream: str, sequence: int, subject: str) -> Self:
        """Of what a stream holds under `evt.<tree>.<session>.<turn>.<kind>`."""
        _, _, _, turn, kind = subject.split(".")
        return cls(stream, sequence, (turn, kind))


@dataclass(frozen=True)
class Account:
    """What is wrong with what one session, or several, were told.

    `told` to `disordered` are of what came out of the client, which takes repeats out itself. `sent`, `repeated` and
    `overtaken` are of what came in on each of its connections.
    """

    told: int = 0
    lost: tuple[Entry, ...] = ()
    doubled: tuple[Entry, ...] = ()
    invented: tuple[Entry, ...] = ()
    disordered: tuple[Entry, ...] = ()
    sent: int = 0
    repeated: tuple[Entry, ...] = ()
    overtaken: tuple[Entry, ...] = ()

    @property
    def is_settled(self) -> bool:
        wrong = (self.lost, self.doubled, self.invented, self.disordered, self.repeated, self.overtaken)
        return not any(wrong)

    @property
    def wire(self) -> str:
        """What gateways sent, for people."""
        wrong = f"repeated on one connection **{len(self.repeated)}**, out of order **{len(self.overtaken)}**"
        return f"{self.sent} events; {wrong}"

    def __str__(self) -> str:
        wrong = {
            "lost": self.lost,
            "told twice": self.doubled,
            "out of order": self.disordered,
            "in no stream": self.invented,
        }
        return f"{self.told}; " + ", ".join(f"{name} **{len(entries)}**" for name, entries in wrong.items())

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.told + other.told,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.invented + other.invented,
            self.disordered + other.disordered,
            self.sent + other.sent,
            self.repeated + other.repeated,
            self.overtaken + other.overtaken,
        )


def settle(
    told: Iterable[Entry], held: Iterable[Entry], late: Iterable[Entry] = (), wires: Iterable[Sequence[Entry]] = ()
) -> Account:
    """One session's account. `told` in the order of its telling; of what is held, `late` need not have been told.
    `wires`: what came on each connection, in its order.

    A phase may have been told that the stream no longer holds, if it holds a later one about the same.
    """
    in_order, held, wires = list(told), set(held), list(wires)
    once = Counter(in_order)
    newest = {(entry.stream, entry.about): entry.sequence for entry in sorted(held)}
    return Account(
        told=len(once),
        lost=tuple(sorted(held - once.keys() - set(late))),
        doubled=_repeated(in_order),
        invented=tuple(
            entry for entry in once if entry not in held and newest.get((entry.stream, entry.about), 0) < entry.sequence
        ),
        disordered=_disordered(in_order),
        sent=sum(map(len, wires)),
        repeated=tuple(entry for wire in wires for entry in _repeated(wire)),
        overtaken=tuple(entry for wire in wires for entry in _disordered(wire)),
    )


def _repeated(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry, times in Counter(entries).items() if times > 1)


def _disordered(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(
        later
        for stream in (CHAT, OUT)
        for earlier, later in pairwise(entry for entry in entries if entry.stream == stream)
        if later.sequence < earlier.sequence
    )
