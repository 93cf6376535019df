"""The stdio transport over real pipes: one message a line, bounded, and an orderly end."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from mcp_bridge.wire import LINE_MAX_BYTES, LINES_WAITING_MAX, Incoming, Outgoing, Unanswered

BOUND_S = 5


@dataclass
class Pipes:
    """The client's ends, as files, and ours."""

    stdin: int
    stdout: int
    incoming: Incoming
    outgoing: Outgoing

    def say(self, *lines: object) -> None:
        for line in lines:
            os.write(self.stdin, (line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")

    async def next(self) -> object:
        async with asyncio.timeout(BOUND_S):
            item = await self.incoming.receive()
        assert isinstance(item, SessionMessage)
        return item.message

    def said(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in os.read(self.stdout, 1 << 20).splitlines()]


@pytest.fixture
async def pipes() -> AsyncIterator[Pipes]:
    theirs_in, ours_in = os.pipe()
    theirs_out, ours_out = os.pipe()
    unanswered = Unanswered()
    outgoing = Outgoing(ours_out, unanswered)
    incoming = Incoming(theirs_in, unanswered, outgoing)
    yield Pipes(ours_in, theirs_out, incoming, outgoing)
    await incoming.aclose()
    for descriptor in (theirs_in, ours_in, theirs_out, ours_out):
        try:
            os.close(descriptor)
        except OSError:
            continue


def request(number: int, method: str = "ping") -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method}


async def ended(incoming: Incoming) -> bool:
    try:
        async with asyncio.timeout(BOUND_S):
            await incoming.receive()
    except anyio.EndOfStream:
        return True
    return False


async def test_messages_come_in_order_also_in_pieces_and_with_windows_ends_of_line(pipes: Pipes) -> None:
    whole = json.dumps(request(1)).encode()
    os.write(pipes.stdin, whole[:10])
    receiving = asyncio.create_task(pipes.next())
    await asyncio.sleep(0)
    os.write(pipes.stdin, whole[10:] + b"\r\n\n" + json.dumps(request(2)).encode() + b"\n")
    first, second = await receiving, await pipes.next()
    assert isinstance(first, JSONRPCRequest)
    assert isinstance(second, JSONRPCRequest)
    assert (first.id, second.id) == (1, 2)


async def test_the_end_of_stdin_is_the_end(pipes: Pipes) -> None:
    pipes.say(request(1))
    os.close(pipes.stdin)
    await pipes.next()
    assert await ended(pipes.incoming)
    assert await ended(pipes.incoming)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{not json", -32700),
        (b"\xff\xfe", -32700),
        (b"[1, 2]", -32600),
        (b'{"jsonrpc": "2.0"}', -32600),
        (b"x" * (LINE_MAX_BYTES + 1), -32600),
    ],
)
async def test_what_is_no_message_is_answered_with_an_error_and_the_next_one_is_read(
    pipes: Pipes, line: bytes, code: int
) -> None:
    receiving = asyncio.create_task(pipes.next())
    await asyncio.to_thread(pipes.say, line, request(2))
    assert isinstance(await receiving, JSONRPCRequest)
    (refusal,) = pipes.said()
    assert refusal["id"] is None
    assert refusal["error"]["code"] == code  # type: ignore[index]
    assert len(json.dumps(refusal)) < 200


async def test_a_client_that_sends_without_end_is_read_only_as_far_as_it_is_served(pipes: Pipes) -> None:
    os.set_blocking(pipes.stdin, False)
    line = json.dumps(request(1)).encode() + b"\n"
    written = 0
    pipes.incoming.start()
    try:
        while True:
            written += os.write(pipes.stdin, line * 100)
            await asyncio.sleep(0)
    except BlockingIOError:
        pass
    # A pipe holds 64 KiB, and one read may bring as much.
    assert written < (LINES_WAITING_MAX * len(line)) + 3 * 64 * 1024
    for _ in range(written // len(line)):
        await pipes.next()


async def test_a_large_answer_reaches_a_client_that_reads_late(pipes: Pipes) -> None:
    answer = JSONRPCResponse(jsonrpc="2.0", id=1, result={"text": "x" * 500_000})
    sending = asyncio.create_task(pipes.outgoing.send(SessionMessage(answer)))
    await asyncio.sleep(0)
    assert not sending.done()
    got = b""
    async with asyncio.timeout(BOUND_S):
        while not got.endswith(b"\n"):
            got += await asyncio.to_thread(os.read, pipes.stdout, 65536)
        await sending
    assert json.loads(got)["result"]["text"] == "x" * 500_000


async def test_answers_that_are_sent_at_once_do_not_mix(pipes: Pipes) -> None:
    answers = [JSONRPCResponse(jsonrpc="2.0", id=number, result={"text": "y" * 20_000}) for number in range(10)]
    sending = asyncio.gather(*(pipes.outgoing.send(SessionMessage(answer)) for answer in answers))
    got = b""
    async with asyncio.timeout(BOUND_S):
        while got.count(b"\n") < 10:
            got += await asyncio.to_thread(os.read, pipes.stdout, 65536)
        await sending
    assert sorted(json.loads(line)["id"] for line in got.splitlines()) == list(range(10))


async def test_a_client_that_reads_no_more_breaks_the_stream(pipes: Pipes) -> None:
    os.close(pipes.stdout)
    with pytest.raises(anyio.BrokenResourceError):
        await pipes.outgoing.send(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="x")))


async def test_stopping_ends_it_once_everything_that_was_read_is_answered(pipes: Pipes) -> None:
    pipes.say(request(1), request(2), request(3))
    for _ in range(2):
        await pipes.next()
    pipes.incoming.stop()
    ending = asyncio.create_task(ended(pipes.incoming))
    for number in (1, 2):
        await asyncio.sleep(0)
        assert not ending.done()
        await pipes.outgoing.send(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=number, result={})))
    assert await ending


async def test_a_request_that_was_cancelled_is_not_waited_for(pipes: Pipes) -> None:
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    pipes.say(request(1), cancel)
    await pipes.next()
    await pipes.next()
    pipes.incoming.stop()
    assert await ended(pipes.incoming)
