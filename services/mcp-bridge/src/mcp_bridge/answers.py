"""What a tool call ends with: one line of text for the model, and the same for programs. Pure."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from mcp_types import CallToolResult, TextContent

from contracts.message import ErrorCode, Problem
from contracts.turns import OperationsCompleted, Outcome, Receipt
from mcp_bridge.operations import Named
from mcp_bridge.wording import cut, quoted

NOTHING_CHANGED: Final = "Nothing was changed."
TEXT_CHARS: Final = 600
RECEIPT_MAX_BYTES: Final = 16 * 1024

_ROWS: Final = (20, 5, 1, 0)
_DIFFS: Final = frozenset({"expected", "observed", "others"})


@dataclass(frozen=True)
class Answer:
    """Text for a model, facts for a program. `failed`: what was asked for is not so."""

    text: str
    facts: dict[str, Any] = field(default_factory=dict)
    failed: bool = False

    def result(self) -> CallToolResult:
        """As the protocol has it."""
        return CallToolResult(
            content=[TextContent(text=self.text)],
            structured_content=self.facts or None,
            is_error=self.failed,
        )


def refused(problem: Problem, *, changes: bool) -> Answer:
    """The bus answered that it will not."""
    return Answer(_ended(_of_problem(problem), changes=changes), {"error": problem.code.value}, failed=True)


def away(problem: Problem, *, changes: bool, in_doubt: bool, key: str) -> Answer:
    """A part of the stack could not be reached in time."""
    what = problem.detail or "the to-do store is away"
    facts: dict[str, Any] = {"error": problem.code.value}
    if changes and in_doubt:
        text = (
            f"the to-do store did not answer in time ({what}). Whether this was done is not known. Call the same tool "
            f"with the same arguments and idempotency_key {quoted(key)} to find out: it will not be done twice."
        )
        return Answer(text, {**facts, "outcome": Outcome.UNKNOWN.value, "idempotency_key": key}, failed=True)
    text = f"the to-do store is away ({what}). {NOTHING_CHANGED if changes else ''}".strip()
    return Answer(f"{text} Try again in a moment.", facts, failed=True)


def _of_problem(problem: Problem) -> str:
    if problem.code is ErrorCode.CONFLICT and problem.field == "operation_id":
        return "this idempotency_key was used for another change before; use a new one, or none"
    named = f"{problem.field} {quoted(problem.value)} " if problem.field and problem.value else ""
    return f"{named}{problem.detail or problem.code.value}".strip()


def _ended(text: str, *, changes: bool) -> str:
    sentence = text if text.endswith(".") else f"{text}."
    return f"{sentence} {NOTHING_CHANGED}" if changes else sentence


def settled(done: OperationsCompleted, made: Named | None, key: str) -> Answer:
    """A change that is proven, or that was not needed. Also what the database refutes, or what cannot be known."""
    text = cut(done.text.strip(), TEXT_CHARS)
    receipt = done.receipt
    facts = {
        "outcome": done.outcome.value,
        "verified": done.outcome in {Outcome.CONFIRMED, Outcome.ALREADY_SO},
        "change_id": receipt.change_id,
        "revision": receipt.revision_before if receipt.revision_after is None else receipt.revision_after,
        **({} if made is None or done.outcome is not Outcome.CONFIRMED else {f"{made.kind}_id": made.id}),
        "receipt": receipt_facts(receipt),
    }
    facts = {name: value for name, value in facts.items() if value is not None}
    match done.outcome:
        case Outcome.CONFIRMED:
            row = "" if made is None else f"{made.kind} {made.id}, "
            proof = f"{row}change {receipt.change_id}, revision {receipt.revision_after}"
            return Answer(f"verified: {text.removesuffix('.')} ({proof}); nothing further to call.", facts)
        case Outcome.ALREADY_SO:
            return Answer("verified: it is so already, nothing was changed; nothing further to call.", facts)
        case Outcome.REFUTED:
            advice = "Look with get_all_todo_lists before anything else."
            return Answer(f"NOT as asked: {text} (change {receipt.change_id}). {advice}", facts, failed=True)
        case Outcome.UNKNOWN:
            again = f"Call again with the same arguments and idempotency_key {quoted(key)} to find out."
            return Answer(f"not known: {text} {again}", {**facts, "idempotency_key": key}, failed=True)
        case _:
            return Answer(f"{done.outcome.value}: {text}", facts, failed=True)


def receipt_facts(receipt: Receipt) -> dict[str, Any]:
    """A receipt for a program, bounded: what was expected is left out where it was seen, and long ones are cut."""
    whole = receipt.model_dump(mode="json", exclude_none=True, exclude={"operations", "model", "request"})
    if whole["expected"] == whole["observed"]:
        del whole["expected"]
    if not receipt.others.changes:
        del whole["others"]
    for most in _ROWS:
        shown = {name: _cut_rows(value, most) if name in _DIFFS else value for name, value in whole.items()}
        if len(json.dumps(shown)) <= RECEIPT_MAX_BYTES:
            break
    return shown if shown == whole else {**shown, "truncated": True}


def _cut_rows(diff: dict[str, Any], most: int) -> dict[str, Any]:
    return {"changes": diff["changes"][:most]}
