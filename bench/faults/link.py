"""What stands between an agent and the store in one run: messages get lost, workers die, others write meanwhile."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from agent.store import Store
from bench.faults.case import Link
from bus.errors import BusError, NoReplyError
from contracts.dialogue import Remembered, RememberRequest
from contracts.store import ApplyRequest, ApplyResult, ApplyStatus, Snapshot, TakeOverResult
from contracts.todo import Author, JournalEntry


class WorkerDiedError(Exception):
    """The worker is gone at this point, and nothing of it runs any more."""


async def _nothing() -> None:
    return


Hook = Callable[[], Awaitable[None]]


@dataclass
class Hooks:
    """Points at which a run does something else. Each is awaited, so it is a barrier."""

    before_apply: Hook = _nothing
    after_apply: Hook = _nothing
    after_confirm: Hook = _nothing


@dataclass
class FaultyLink:
    """A Store over a link that loses what `losses` says."""

    store: Store
    losses: Link
    hooks: Hooks = field(default_factory=Hooks)
    _requests: int = 0
    _replies: int = 0
    _late: int = 0
    _take_overs: int = 0
    _reads: int = 0
    _kept: ApplyRequest | None = None

    async def snapshot(
        self,
        owner: str,
        *,
        journal_since: int | None = None,
        since: str | None = None,
        trusting: bool = False,
        dialogue: str | None = None,
    ) -> Snapshot:
        if journal_since is not None and self._reads < self.losses.confirm_reads:
            self._reads += 1
            raise NoReplyError("the reply was lost")
        read = await self.store.snapshot(
            owner, journal_since=journal_since, since=since, trusting=trusting, dialogue=dialogue
        )
        if journal_since is not None:
            await self.hooks.after_confirm()
        return read

    async def apply(self, request: ApplyRequest) -> ApplyResult:
        await self.hooks.before_apply()
        if self._requests < self.losses.apply_requests:
            self._requests += 1
            raise NoReplyError("the request was lost")
        if self._late < self.losses.late_applies:
            self._late += 1
            self._kept = request
            raise NoReplyError("the request is slow")
        if self._late and self._kept is not None:
            # Sealed by now, and here it comes after all, right before what was done about it.
            kept, self._kept = self._kept, None
            with contextlib.suppress(BusError):  # nobody waits for its answer any more
                await self.store.apply(kept)
        result = await self.store.apply(request)
        if result.status is ApplyStatus.APPLIED:
            await self.hooks.after_apply()
        if self._replies < self.losses.apply_replies:
            self._replies += 1
            raise NoReplyError("the reply was lost")
        return result

    async def take_over(self, owner: str, operation_id: str, *, crashed: bool = False) -> TakeOverResult:
        taken = await self.store.take_over(owner, operation_id, crashed=crashed)
        if self._take_overs < self.losses.take_over_replies:
            self._take_overs += 1
            raise NoReplyError("the reply was lost")
        return taken

    async def remember(self, request: RememberRequest) -> Remembered:
        return await self.store.remember(request)

    async def cancel(self, owner: str, operation_id: str) -> bool:
        return await self.store.cancel(owner, operation_id)

    async def close(self, owner: str, operation_id: str) -> bool:
        return await self.store.close(owner, operation_id)

    async def change(self, owner: str, change_id: str) -> JournalEntry | None:
        return await self.store.change(owner, change_id)

    async def newest_change(self, owner: str, authors: tuple[Author, ...]) -> JournalEntry | None:
        return await self.store.newest_change(owner, authors)
