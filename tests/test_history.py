"""A session's turns are there again after it has lost its page: in another connection, on either gateway."""

from client import AgentClient
from contracts.turns import Verdict
from local_stack.temporary import RunningStack


async def test_a_session_that_comes_back_has_its_turns_again_with_their_receipts(stack: RunningStack) -> None:
    async with AgentClient.connect(stack.url) as client:
        first = await client.ask("create a list called History")
        second = await client.ask("add ink to History")
        resumption = client.resumption
    async with AgentClient.connect(stack.url, resume=resumption) as client:
        assert client.ready.resumed
        page = await client.history()
        assert [turn.text for turn in page.turns] == ["create a list called History", "add ink to History"]
        assert [turn.completed for turn in page.turns] == [first, second]
        assert {turn.completed and turn.completed.receipt.verdict for turn in page.turns} == {Verdict.CONFIRMED}
        assert not page.more

        newest = await client.history(limit=1)
        assert ([turn.completed for turn in newest.turns], newest.more) == ([second], True)
        oldest = await client.history(limit=1, before=newest.turns[0].seq)
        assert ([turn.completed for turn in oldest.turns], oldest.more) == ([first], False)


async def test_another_session_of_the_same_person_has_none_of_them(stack: RunningStack) -> None:
    async with AgentClient.connect(stack.url) as client, AgentClient.connect(stack.url) as other:
        told = await client.ask("create a list called Mine")
        assert [turn.completed for turn in (await client.history()).turns] == [told]
        assert (await other.history()).turns == ()
