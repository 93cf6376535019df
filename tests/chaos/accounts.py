"""What sessions were told, held against the streams, which are read from NATS directly."""

from collections.abc import Sequence

from contracts.streams import CHAT, OUT
from local_stack.directory import DataDirectory

from .collect import stored
from .ledger import Account, Entry, settle
from .witness import Witness


async def until_told(directory: DataDirectory, witnesses: Sequence[Witness]) -> None:
    """Until sessions that are still open, and ask nothing more, were told the last that the streams hold of them.
    Bounded by the caller."""
    last: dict[tuple[str, str], int] = {}
    for stream, messages in (await stored(directory, CHAT, OUT)).items():
        for message in messages:
            if message.subject.startswith("evt."):
                last[stream, message.subject.split(".")[2]] = message.sequence
    for witness in witnesses:
        for (stream, session), sequence in last.items():
            if session in witness.sessions:
                await witness.until_told(stream, sequence)


async def accounts(directory: DataDirectory, witnesses: Sequence[Witness]) -> Account:
    """The sum of all sessions' accounts, on the stack in `directory`, which is still up."""
    streams = await stored(directory, CHAT, OUT)
    kept = [
        (Entry.stored(stream, message.sequence, message.subject), message)
        for stream, messages in streams.items()
        for message in messages
        if message.subject.startswith("evt.")
    ]
    ended = {entry.about[0]: message.at for entry, message in kept if entry.stream == CHAT}
    total = Account()
    for witness in witnesses:
        theirs = [(entry, message) for entry, message in kept if message.subject.split(".")[2] in witness.sessions]
        # Of a worker that another one had taken the turn over from: its session may have left by then.
        late = [entry for entry, message in theirs if message.at > ended.get(entry.about[0], message.at)]
        told = [Entry.of(event) for event in witness.events]
        assert not witness.unread, f"{witness.unread} connections sent more than was recorded"
        wires = [[Entry.of(event) for event in wire] for wire in witness.wires]
        total += settle(told, [entry for entry, _ in theirs], late, wires)
    return total
