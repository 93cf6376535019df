"""What a turn leaves for the next one of its session, in one transaction that holds the owner."""

from contracts.dialogue import QUESTION_EXPIRES_S, QUESTION_MAX_BYTES, Remembered, RememberRequest
from contracts.message import ErrorCode, Problem
from todo_store.errors import StoreError
from todo_store.repository import dialogue, journal, turns
from todo_store.sessions import WriteSession


async def remember(session: WriteSession, request: RememberRequest) -> Remembered:
    """Take a question, keep another, learn an alias: each where the request says so. Raises StoreError for a question
    that is too large."""
    question = request.question
    if question is not None and len(question.to_json()) > QUESTION_MAX_BYTES:
        detail = f"is too large; at most {QUESTION_MAX_BYTES} bytes are kept"
        raise StoreError(Problem(code=ErrorCode.TOO_LARGE, field="question", detail=detail))
    # An owner who is being forgotten must not be left with a row.
    await journal.lock_owner(session, request.owner)
    taken = False
    if request.answers is not None:
        taken = await dialogue.take(
            session, request.owner, request.session, asked_by=request.answers, turn=request.turn_id
        )
    if question is not None and not await _has_ended(session, request):
        await dialogue.ask(session, request.owner, request.session, question, expires_s=QUESTION_EXPIRES_S)
    if request.alias is not None:
        await dialogue.learn(session, request.owner, request.alias)
    return Remembered(taken=taken)


async def _has_ended(session: WriteSession, request: RememberRequest) -> bool:
    """Whether another worker has brought the turn to its end: then nobody will see the question of a late one."""
    turn = await turns.find(session, request.owner, request.turn_id)
    return turn is not None and (turn.closed or turn.cancelled or turn.result is not None)
