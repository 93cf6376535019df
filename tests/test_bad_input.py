"""What a stranger may send over a living connection: each gets a typed error that names it, and nothing is applied."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import websockets

from client import AgentClient
from contracts.channel import ChannelError, GatewayMessage, TurnRejected
from contracts.limits import FRAME_MAX_BYTES, PROTOCOL_VERSION
from contracts.message import ErrorCode
from contracts.tokens import uuid7
from local_stack.temporary import RunningStack

BOUND_S = 20


@pytest.fixture
async def client(stack: RunningStack) -> AsyncIterator[AgentClient]:
    async with AgentClient.connect(stack.url) as connected:
        yield connected


async def refusal(client: AgentClient, frame: str) -> ChannelError | TurnRejected:
    """Send one frame and return the refusal that it gets."""
    messages = client.messages()
    client.send_raw(frame)
    async with asyncio.timeout(BOUND_S):
        async for message in messages:
            if _is_refusal(message):
                return message  # type: ignore[return-value]
    raise AssertionError("the connection ended")


def _is_refusal(message: GatewayMessage) -> bool:
    return isinstance(message, ChannelError | TurnRejected)


def start(text: str) -> str:
    return json.dumps({"type": "turn.start", "id": "m1", "turn_id": uuid7(), "text": text})


def create(title: str) -> str:
    operation = {"op": "create_item", "item_id": "inew", "list_id": "lnone", "title": title}
    return json.dumps({"type": "op.run", "id": "m1", "operation_id": uuid7(), "operations": [operation]})


@pytest.mark.parametrize(
    ("frame", "code", "named"),
    [
        pytest.param('{"type": "turn.st', ErrorCode.INVALID, "JSON", id="malformed JSON"),
        pytest.param('{"type":"turn.begin","id":"m1"}', ErrorCode.UNKNOWN_TYPE, "turn.begin", id="unknown type"),
        pytest.param('{"id":"m1"}', ErrorCode.UNKNOWN_TYPE, "type", id="no type"),
        pytest.param("x" * (FRAME_MAX_BYTES + 1), ErrorCode.TOO_LARGE, "16384", id="oversized frame"),
        pytest.param(start("a" * 8193), ErrorCode.INVALID, "8192", id="text over 8 KiB"),
        pytest.param(start("add \u0007 to it"), ErrorCode.INVALID, "U+0007", id="control character"),
        pytest.param(start("   "), ErrorCode.INVALID, "text", id="empty text"),
        pytest.param(create("a" * 501), ErrorCode.INVALID, "501", id="title of 501 characters"),
        pytest.param(create("a\u0000b"), ErrorCode.INVALID, "U+0000", id="control character in a title"),
    ],
)
async def test_bad_input_is_named_and_the_connection_survives(
    client: AgentClient, frame: str, code: ErrorCode, named: str
) -> None:
    before = await client.lists()
    refused = await refusal(client, frame)
    assert refused.code is code
    assert named in refused.model_dump_json()
    assert not refused.final
    assert await client.lists() == before


async def test_a_refused_turn_is_refused_by_its_id(client: AgentClient) -> None:
    turn_id = uuid7()
    frame = json.dumps({"type": "turn.start", "id": "m7", "turn_id": turn_id, "text": "a" * 9000})
    refused = await refusal(client, frame)
    assert isinstance(refused, TurnRejected)
    assert (refused.ref, refused.turn_id, refused.field) == ("m7", turn_id, "text")


async def test_a_resent_turn_is_accepted_again_and_done_once(client: AgentClient) -> None:
    turn_id = uuid7()
    first = await client.ask("create a list called Resent", turn_id=turn_id)
    before = await client.lists()
    frame = json.dumps({"type": "turn.start", "id": "m9", "turn_id": turn_id, "text": "create a list called Resent"})
    messages = client.messages()
    client.send_raw(frame)
    async with asyncio.timeout(BOUND_S):
        async for message in messages:
            if getattr(message, "ref", None) == "m9":
                assert message.type == "turn.accepted"
                break
    assert await client.lists() == before
    assert first.receipt.change_id is not None


async def test_a_bad_sdp_is_named_and_the_socket_survives_to_take_a_good_hello(stack: RunningStack) -> None:
    address = stack.url.replace("http", "ws", 1) + "/ai/ws"
    async with websockets.connect(address) as socket, asyncio.timeout(BOUND_S):
        await socket.send(json.dumps({"type": "hello", "version": PROTOCOL_VERSION}))
        assert json.loads(await socket.recv())["type"] == "ready"
        await socket.send(json.dumps({"type": "offer", "attempt": 1, "sdp": "v=0 this is no description"}))
        refused = json.loads(await socket.recv())
        assert (refused["type"], refused["code"], refused["attempt"]) == ("error", "invalid", 1)
        assert "sdp" in json.dumps(refused)
        assert not refused.get("final")
        await socket.send("{")
        assert json.loads(await socket.recv())["code"] == "invalid"
        await socket.send(json.dumps({"type": "offer", "attempt": 2, "sdp": ""}))
        assert json.loads(await socket.recv())["field"].endswith("sdp")


async def test_a_version_that_is_not_spoken_ends_the_socket(stack: RunningStack) -> None:
    address = stack.url.replace("http", "ws", 1) + "/ai/ws"
    async with websockets.connect(address) as socket, asyncio.timeout(BOUND_S):
        await socket.send(json.dumps({"type": "hello", "version": 999}))
        refused = json.loads(await socket.recv())
        assert (refused["code"], refused["final"]) == ("unsupported_version", True)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
