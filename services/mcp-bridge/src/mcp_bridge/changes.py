"""The nine tools that change something: each is one operation, carried out, confirmed and told."""

from contracts.message import ErrorCode
from contracts.tokens import operation_id_for, uuid7
from contracts.turns import Outcome
from mcp_bridge import answers
from mcp_bridge.answers import Answer
from mcp_bridge.arguments import Change
from mcp_bridge.missing import as_it_is_now, missing_answer
from mcp_bridge.operations import made_by, operation_of, rows_named
from mcp_bridge.store import AwayError, RefusedError, Store


async def change(store: Store, asked: Change) -> Answer:
    """Carry a change out. What cannot be had in time is an answer, too."""
    # Without a key of the caller's, one of ours, so that whatever has no answer can be asked for again.
    key = asked.idempotency_key or uuid7()
    try:
        return await _carried_out(store, asked, key)
    except AwayError as error:
        return answers.away(error.problem, changes=True, in_doubt=error.in_doubt, key=key)
    except RefusedError as error:
        if error.problem.code is ErrorCode.INTERNAL:
            return answers.away(error.problem, changes=True, in_doubt=True, key=key)
        return answers.refused(error.problem, changes=True)


async def _carried_out(store: Store, asked: Change, key: str) -> Answer:
    named = tuple(rows_named(asked))
    if not all(row.possible for row in named):
        return await missing_answer(store, named, changes=True)
    operation = operation_of(asked, store.owner, key)
    done = await store.run(operation, operation_id_for(key), expected_revision=asked.expected_revision or None)
    if done.outcome is Outcome.NOT_FOUND:
        return await missing_answer(store, named, changes=True)
    answer = answers.settled(done, made_by(operation), key)
    if done.outcome is not Outcome.CONFLICT:
        return answer
    now, facts = await as_it_is_now(store, named)
    return Answer(
        f"{answer.text} {now} Look whether it is still wanted, then call again.",
        answer.facts | {"now": facts},
        failed=True,
    )
