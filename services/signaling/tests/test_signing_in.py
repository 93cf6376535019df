"""Tokens at the door, as a client sees it: the real server, a real WebSocket."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime, timedelta

import pytest

from access.identity import LEEWAY_S
from access.interface import Expected
from access.shared_secret import SharedSecrets
from contracts import metrics
from contracts.message import ErrorCode
from contracts.tokens import owner_key

from .stack import running

SECRET = "s" * 32
SECRETS = SharedSecrets((SECRET,), Expected("local", "todo-agent"))
HELLO = {"type": "hello", "version": 1}


def token(name: str = "ada", *, minutes: float = 5) -> str:
    return SECRETS.mint(name, timedelta(minutes=minutes))


@pytest.fixture
async def stack(tmp_path):
    async with running(tmp_path, auth_secret=SECRET) as stack:
        yield stack


async def refused(stack, **hello: object) -> object:
    async with stack.client() as client:
        await client.send(HELLO | hello)
        error = await client.error()
        assert error.final
        assert await client.closed() == (1008, "unauthorised")
    return error


async def test_a_token_opens_the_door_to_its_owner_until_it_expires(stack):
    before = datetime.now(UTC)
    async with stack.client() as client:
        ready = await client.hello(token=token())
        assert ready.owner_name == "ada"
        assert ready.owner == owner_key("local", "ada")
        expected = before + timedelta(minutes=5, seconds=LEEWAY_S)
        assert abs(ready.token_expires_at - expected) < timedelta(seconds=5)
        await client.offer()
        await client.answer()
    (offer,) = stack.bus.offers
    assert (offer.owner, offer.token_expires_at) == (owner_key("local", "ada"), ready.token_expires_at)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "no access token was given"),
        ("", "no access token was given"),
        (token(minutes=-1), "has expired"),
        ("nonsense", "is not valid here"),
        (SharedSecrets(("f" * 32,), SECRETS.expected).mint("ada", timedelta(hours=1)), "is not valid here"),
        (SharedSecrets((SECRET,), Expected("x", "y")).mint("ada", timedelta(hours=1)), "is not valid here"),
    ],
    ids=["missing", "empty", "expired", "nonsense", "forged", "of another"],
)
async def test_who_has_no_good_token_is_told_what_to_do_for_good(stack, given, words):
    error = await refused(stack, token=given)
    assert error.code is ErrorCode.UNAUTHORISED
    assert words in error.detail
    assert "sign in" in error.detail
    assert (error.value, error.field) == (None, None)
    assert stack.bus.memory.kept("KV_sessions") == {}, "nothing is kept for strangers"


async def test_a_token_beyond_every_size_is_one_more_bad_frame(stack):
    async with stack.client() as client:
        await client.send(HELLO | {"token": "x" * 8193})
        error = await client.error()
        assert (error.code, error.field, error.final) == (ErrorCode.INVALID, "hello.token", False)
        await client.hello(token=token())


async def test_signing_in_as_the_name_of_a_stack_without_sign_in_keeps_its_lists(tmp_path):
    async with running(tmp_path, local_owner="ada") as open_stack, open_stack.client() as client:
        await client.hello()
        await client.offer()
        await client.answer()
        open_owner = open_stack.bus.offers[0].owner
    assert open_owner == owner_key("local", "ada")


async def test_another_owner_cannot_go_on_with_a_session_they_know_everything_of(stack):
    async with stack.client() as client:
        ada = await client.hello(token=token("ada"))
    async with stack.client() as client:
        eve = await client.hello(token=token("eve"), session=ada.session, resume_token=ada.resume_token)
        assert (eve.session == ada.session, eve.resumed) == (False, False)
    async with stack.client() as client:
        assert (await client.hello(token=token("ada"), session=ada.session, resume_token=ada.resume_token)).resumed


async def test_after_some_refusals_an_address_is_turned_away_before_any_token_is_looked_at(tmp_path, monkeypatch):
    async with running(tmp_path, auth_secret=SECRET, refusals_per_address=2, refusals_per_address_per_s=0.001) as stack:
        for _ in range(2):
            assert (await refused(stack, token="nonsense")).code is ErrorCode.UNAUTHORISED
        async with stack.client() as client:
            await client.send(HELLO | {"token": token()})
            error = await client.error()
            assert (error.code, error.final) == (ErrorCode.RATE, False)
            assert await client.closed() == (1013, "rate")


async def test_hellos_of_an_address_beyond_the_rate_are_turned_away(tmp_path):
    async with running(tmp_path, auth_secret=SECRET, hellos_per_address=2, hellos_per_address_per_s=0.001) as stack:
        for _ in range(2):
            async with stack.client() as client:
                await client.hello(token=token())
        async with stack.client() as client:
            await client.send(HELLO | {"token": token()})
            assert (await client.error()).code is ErrorCode.RATE


async def test_sockets_of_an_address_beyond_the_bound_are_turned_away_until_another_leaves(tmp_path):
    async with running(tmp_path, auth_secret=SECRET, max_sockets_per_address=1) as stack:
        async with stack.client() as first:
            await first.hello(token=token())
            async with stack.client() as second:
                error = await second.error()
                assert (error.code, error.final) == (ErrorCode.LIMIT, False)
                assert (await second.closed())[0] == 1013
        await until_free(stack)
        async with stack.client() as third:
            await third.hello(token=token())


async def test_sockets_of_an_owner_beyond_the_bound_are_turned_away_and_others_are_not(tmp_path):
    async with running(tmp_path, auth_secret=SECRET, max_sockets_per_owner=1) as stack:
        async with stack.client() as first, stack.client() as second, stack.client() as third:
            await first.hello(token=token("ada"))
            await second.send(HELLO | {"token": token("ada")})
            error = await second.error()
            assert (error.code, error.final) == (ErrorCode.LIMIT, False)
            assert await second.closed() == (1013, "limit")
            await third.hello(token=token("eve"))
        await until_free(stack)
        assert not stack.crowd.sockets_of_owner


async def test_who_a_client_is_comes_from_a_trusted_proxy_and_from_nobody_else(tmp_path):
    async def connect_from(stack, address: str) -> ErrorCode | None:
        async with stack.client(additional_headers={"X-Forwarded-For": address}) as client:
            await client.send(HELLO | {"token": token()})
            message = await client.receive()
            return getattr(message, "code", None)

    bounds = {"auth_secret": SECRET, "hellos_per_address": 1, "hellos_per_address_per_s": 0.001}
    async with running(tmp_path, trusted_proxies="127.0.0.0/8", **bounds) as stack:
        assert [await connect_from(stack, address) for address in ("9.9.9.1", "9.9.9.2")] == [None, None]
        assert await connect_from(stack, "6.6.6.6, 9.9.9.1") is ErrorCode.RATE
    async with running(tmp_path, **bounds) as stack:
        assert [await connect_from(stack, address) for address in ("9.9.9.1", "9.9.9.2")] == [None, ErrorCode.RATE]


async def test_without_sign_in_hundreds_of_sockets_from_one_address_are_let_in(tmp_path):
    async with running(tmp_path) as stack, contextlib.AsyncExitStack() as clients:
        for _ in range(300):
            client = await clients.enter_async_context(stack.client())
            await client.hello()
        assert len(stack.sockets) == 300


async def test_refusals_are_counted_by_their_code(stack, measured):
    await refused(stack)
    async with stack.client() as client:
        ready = await client.hello(token=token())
    async with stack.client() as client:
        await client.hello(token=token(), session=ready.session, resume_token=ready.resume_token)
    assert measured(metrics.HELLOS) == 3
    for outcome in ("unauthorised", "admitted", "resumed"):
        assert measured(metrics.HELLOS, {"outcome": outcome}) == 1


async def until_free(stack) -> None:
    """A client knows of its leaving a moment before the server does."""
    end = time.monotonic() + 5
    while stack.crowd.sockets_of_address and time.monotonic() < end:  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.01)
    assert not stack.crowd.sockets_of_address
