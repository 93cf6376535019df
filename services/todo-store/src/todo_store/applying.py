"""One operation id's way into the rows: apply, take over, cancel. Each runs in one transaction that holds the owner."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.message import ErrorCode, Problem, preview
from contracts.operations import Operation
from contracts.store import (
    ApplyRequest,
    ApplyResult,
    ApplyStatus,
    CancelRequest,
    CancelResult,
    TakeOverRequest,
    TakeOverResult,
)
from contracts.tokens import ROW_ID_PATTERN, new_change_id
from todo_store import undoing
from todo_store.effects import Effects, Rejected, check_emptied, check_versions, effects_of, needs_of
from todo_store.errors import StoreError
from todo_store.repository import journal, todo_rows, turns
from todo_store.repository.turns import Turn
from todo_store.sessions import WriteSession

RESULT_MAX_BYTES: Final = BUS_PAYLOAD_MAX_BYTES - 16 * 1024
"""The result repeats the operations and the plan, and must fit on the bus with its ids and headers."""

_ROW_ID: Final = re.compile(ROW_ID_PATTERN)
_OPERATIONS: Final[TypeAdapter[tuple[Operation, ...]]] = TypeAdapter(tuple[Operation, ...])


def fingerprint(operations: tuple[Operation, ...]) -> str:
    """Tells one id's operations from others under the same id. Not of the plan: a client's repeat may plan anew."""
    return hashlib.sha256(_OPERATIONS.dump_json(operations)).hexdigest()


async def apply(session: WriteSession, request: ApplyRequest, *, traceparent: str | None = None) -> ApplyResult:
    """Apply all operations or none, once for an operation id. Raises StoreError for a misused id or attempt."""
    result = ApplyResult(
        operation_id=request.operation_id,
        status=ApplyStatus.APPLIED,
        attempt=request.attempt,
        operations=request.operations,
        plan=request.plan,
    )
    _check_size(result)
    _check_ids(request.relies_on)
    plan_hash = fingerprint(request.operations)
    revision = await journal.lock_owner(session, request.owner)
    turn = await turns.find(session, request.owner, request.operation_id) or Turn(attempt=1)
    earlier = _answer_without_acting(turn, request, plan_hash)
    if earlier is not None:
        return earlier

    try:
        effects = await _effects(session, request)
    except Rejected as rejected:
        result = result.model_copy(update={"status": rejected.status, "rows": rejected.rows, "reason": rejected.reason})
    else:
        change_id = new_change_id()
        await journal.open_entry(
            session,
            request.owner,
            revision + 1,
            change_id=change_id,
            operation_id=request.operation_id,
            author=request.author,
            traceparent=traceparent,
        )
        await todo_rows.save(session, request.owner, effects)
        result = result.model_copy(
            update={"change_id": change_id, "revision_before": revision, "revision_after": revision + 1}
        )
    recorded = replace(turn, plan_hash=plan_hash, result=result)
    await turns.save(session, request.owner, request.operation_id, recorded)
    return result


async def _effects(session: WriteSession, request: ApplyRequest) -> Effects:
    """What the request's operations come to on the rows as they are. Raises Rejected."""
    change_id = undoing.change_to_undo(request.operations)
    if change_id is None:
        rows = await todo_rows.load(session, request.owner, needs_of(request.operations, request.relies_on))
        check_versions(rows, request.relies_on)
        check_emptied(rows, request.operations, request.relies_on)
        return effects_of(rows, request.operations)
    found = await journal.images_of(session, request.owner, change_id)
    if found is None:
        raise Rejected(ApplyStatus.REFUSED, (), "unknown_change")
    images = undoing.net(found)
    rows = await todo_rows.load(session, request.owner, undoing.needs_of(images, request.relies_on))
    check_versions(rows, request.relies_on)
    return undoing.effects_of(rows, images)


def _answer_without_acting(turn: Turn, request: ApplyRequest, plan_hash: str) -> ApplyResult | None:
    """What the turn's record says of this request; None where it may act."""
    recorded = turn.result
    if recorded is not None and (recorded.status is ApplyStatus.APPLIED or turn.attempt == request.attempt):
        if turn.plan_hash != plan_hash:
            if request.attempt < turn.attempt:
                # Another worker's plan for the same words, which mints other ids. This one comes too late, no more.
                return _not_done(request, ApplyStatus.FENCED)
            raise StoreError(
                Problem(
                    code=ErrorCode.CONFLICT,
                    field="operation_id",
                    value=preview(request.operation_id),
                    detail="was used for other operations; mint a new one",
                )
            )
        return recorded.model_copy(update={"repeated": True})
    if request.attempt < turn.attempt:
        return _not_done(request, ApplyStatus.FENCED)
    if request.attempt > turn.attempt:
        raise StoreError(
            Problem(
                code=ErrorCode.INVALID,
                field="attempt",
                value=str(request.attempt),
                detail=f"was never given out, the newest is {turn.attempt}; ask take_over for one",
            )
        )
    return _not_done(request, ApplyStatus.CANCELLED) if turn.cancelled or turn.closed else None


def _not_done(request: ApplyRequest, status: ApplyStatus) -> ApplyResult:
    return ApplyResult(operation_id=request.operation_id, status=status, attempt=request.attempt)


def _check_size(result: ApplyResult) -> None:
    size = len(result.to_json())
    if size > RESULT_MAX_BYTES:
        raise StoreError(
            Problem(
                code=ErrorCode.TOO_LARGE,
                field="operations",
                detail=f"take {size} bytes with their plan; at most {RESULT_MAX_BYTES} are allowed, send fewer at once",
            )
        )


def _check_ids(relies_on: Iterable[str]) -> None:
    for row in relies_on:
        if _ROW_ID.fullmatch(row) is None:
            raise StoreError(
                Problem(code=ErrorCode.INVALID, field="relies_on", value=preview(row), detail="is not the id of a row")
            )


async def take_over(session: WriteSession, request: TakeOverRequest) -> TakeOverResult:
    """The recorded effect of a turn, or the number of the attempt that may act now; every earlier one is fenced.

    An attempt that recorded a conflict has ended; one that recorded nothing, or was taken over though it had its
    answer, counts as a crash.
    """
    await journal.lock_owner(session, request.owner)
    turn = await turns.find(session, request.owner, request.operation_id) or Turn(attempt=1)
    ended = turn.result is not None and turn.result.status is ApplyStatus.CONFLICT
    turn = replace(turn, crashes=turn.crashes + int(request.crashed and not ended))
    if turn.result is None or turn.result.status is not ApplyStatus.APPLIED:
        turn = replace(turn, attempt=turn.attempt + 1, plan_hash=None, result=None)
    await turns.save(session, request.owner, request.operation_id, turn)
    result = None if turn.result is None else turn.result.model_copy(update={"repeated": True})
    return TakeOverResult(
        attempt=turn.attempt, result=result, crashes=turn.crashes, cancelled=turn.cancelled, closed=turn.closed
    )


async def cancel(session: WriteSession, request: CancelRequest) -> CancelResult:
    """Mark a turn, so that no later apply of it acts. Too late where it has been applied."""
    await journal.lock_owner(session, request.owner)
    turn = await turns.find(session, request.owner, request.operation_id) or Turn(attempt=1)
    if turn.result is not None and turn.result.status is ApplyStatus.APPLIED:
        return CancelResult(too_late=True)
    marked = replace(turn, closed=True) if request.closing else replace(turn, cancelled=True)
    await turns.save(session, request.owner, request.operation_id, marked)
    return CancelResult(too_late=False)
