"""`python -m bench.peers.faulty_store`: the real todo-store, which fails the first write of owners that ask for it.

The fault is in the owner's key, so nothing has to be told to it while it runs: `lost...` is answered as applied and is
not written, `late...` is written and not answered. Whoever writes, a peer's tool or our agent, meets the same fault.
"""

import asyncio
import secrets
from typing import Final

from bench.peers.scenarios import StoreFault
from contracts.store import ApplyRequest, ApplyResult, ApplyStatus
from contracts.tokens import new_change_id
from runtime.process import run
from todo_store import bootstrap
from todo_store.handlers import Handlers
from todo_store.settings import Settings

SILENT_S: Final = 12.0
"""Longer than anybody waits for an answer."""
OTHER_WRITER: Final = "the-other-writer"
"""Operation ids that begin so meet no fault."""
_MARKS: Final = {StoreFault.LOSES: "lost", StoreFault.LATE: "late", StoreFault.NONE: "fine"}
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


def new_owner(fault: StoreFault) -> str:
    """An owner nobody has seen, whose first write meets this fault."""
    return _MARKS[fault] + "".join(secrets.choice(_ALPHABET) for _ in range(22))


class FaultyHandlers(Handlers):
    """The store's handlers with faults in front."""

    _met: Final[set[str]] = set()

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        mark = request.owner[:4]
        # A seed or the other writer's edit is none of the turn's.
        if request.operation_id.startswith(OTHER_WRITER) or request.owner in self._met or mark == "fine":
            return await super().apply(request)
        self._met.add(request.owner)
        if mark == _MARKS[StoreFault.LOSES]:
            return ApplyResult(
                operation_id=request.operation_id,
                status=ApplyStatus.APPLIED,
                attempt=request.attempt,
                change_id=new_change_id(),
                revision_before=request.plan.revision,
                revision_after=request.plan.revision + 1,
                operations=request.operations,
                plan=request.plan,
            )
        result = await super().apply(request)
        await asyncio.sleep(SILENT_S)
        return result


if __name__ == "__main__":
    bootstrap.Handlers = FaultyHandlers  # type: ignore[attr-defined]  # everything else is as it is served
    run(bootstrap.SERVICE, Settings, bootstrap.start)
