"""Tokens by a provider's key set, fetched from a real HTTP server: rotation, floods, outages, hostile answers."""

import asyncio
import gzip
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from access.errors import KeysAwayError, Reason, TokenRefusedError
from access.identity import Identity
from access.interface import Expected
from access.key_set import KEYS_MAX, UnusableKeySetError, parse
from access.remote_keys import DOCUMENT_MAX_BYTES, Pace, RemoteKeys, RemoteKeysVerifier
from contracts.message import ErrorCode
from contracts.tokens import owner_key

from .provider import AUDIENCE, ISSUER, Key, Provider, provider

AT_ONCE = Pace(unknown_s=0.0, retry_min_s=0.01, retry_max_s=0.01, fetch_timeout_s=0.5)


@asynccontextmanager
async def verifier(served: Provider, pace: Pace = AT_ONCE) -> AsyncIterator[RemoteKeysVerifier]:
    async with asyncio.timeout(20), RemoteKeys.fetched(served.url, pace) as keys:
        yield RemoteKeysVerifier(keys, Expected(ISSUER, AUDIENCE))


async def refused(door: RemoteKeysVerifier, token: str | None) -> Reason:
    with pytest.raises(TokenRefusedError) as caught:
        await door.verify(token)
    return caught.value.reason


async def once_known(door: RemoteKeysVerifier, token: str, served: Provider) -> Identity:
    """As a client that tries again does."""
    while True:
        before = served.requests
        try:
            return await door.verify(token)
        except KeysAwayError:
            await served.asked(before + 1)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_a_token_of_a_published_key_gets_in(algorithm: str) -> None:
    key = Key("k1", algorithm)
    async with provider(Key("other"), key) as served, verifier(served) as door:
        identity = await door.verify(key.sign("ada", name="Ada"))
        assert (identity.owner, identity.name) == (owner_key(ISSUER, "ada"), "Ada")
        assert await refused(door, None) is Reason.MISSING
        assert await refused(door, key.sign(exp=1)) is Reason.EXPIRED
        for wrong in ({"aud": "other"}, {"iss": "other"}, {"exp": None}, {"sub": None}):
            assert await refused(door, key.sign(**wrong)) is Reason.INVALID
        assert await refused(door, Key("k1", algorithm).sign()) is Reason.INVALID, "the id alone proves nothing"
        assert served.requests == 1


async def test_a_public_key_is_no_secret() -> None:
    """Algorithm confusion (RFC 8725 section 3.1): HS256 with what everybody can read."""
    key = Key("k1", "RS256")
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60}
    header = {"kid": "k1", "alg": "HS256", "typ": "JWT"}
    signed = [segment(header), segment(claims)]
    for secret in (pem, pem.strip(), json.dumps(key.public).encode(), key.public["n"].encode()):
        signature = jwt.get_algorithm_by_name("HS256").sign(".".join(signed).encode(), secret)
        async with provider(key) as served, verifier(served) as door:
            assert await refused(door, ".".join([*signed, encoded(signature)])) is Reason.INVALID
    async with provider(key) as served, verifier(served) as door:
        for algorithm in ("none", "NONE", "RS384", "PS256", "ES256"):
            token = ".".join([segment({"kid": "k1", "alg": algorithm}), segment(claims), encoded(b"x" * 256)])
            assert await refused(door, token) is Reason.INVALID
        assert (await door.verify(key.sign())).name == "ada"


async def test_a_key_that_comes_with_the_token_proves_nothing() -> None:
    own = Key("k1")
    async with provider(Key("k1")) as served, verifier(served) as door:
        assert await refused(door, own.sign(header={"jwk": own.public})) is Reason.INVALID
        assert await refused(door, own.sign(header={"jku": served.url, "x5u": served.url})) is Reason.INVALID


async def test_a_short_key_is_not_trusted_although_it_is_published() -> None:
    short = Key("k1", "RS256", rsa.generate_private_key(65537, 1024))  # noqa: S505 - what is refused
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = short.sign()
    async with provider(short) as served, verifier(served) as door:
        assert await refused(door, token) is Reason.INVALID


async def test_a_token_without_a_key_id_means_the_only_key_of_its_algorithm() -> None:
    first, second, other = Key("k1"), Key("k2"), Key("k3", "EdDSA")
    async with provider(first, other) as served, verifier(served) as door:
        unnamed = jwt.encode(
            {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60}, first.private, algorithm="ES256"
        )
        assert (await door.verify(unnamed)).name == "ada"
        served.keys = (first, second, other)
        await once_known(door, second.sign(), served)
        assert await refused(door, unnamed) is Reason.INVALID


async def test_a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_is_gone_then() -> None:
    old, new = Key("k1"), Key("k2")
    async with provider(old) as served, verifier(served) as door:
        await door.verify(old.sign())
        served.keys = (new,)
        assert (await once_known(door, new.sign(), served)).name == "ada"
        assert await refused_at_last(door, old.sign()) is Reason.INVALID


async def test_keys_are_fetched_again_after_a_while_without_being_asked_for() -> None:
    old, new = Key("k1"), Key("k2")
    async with provider(old) as served, verifier(served, Pace(unknown_s=0.0, refresh_s=0.01)) as door:
        await door.verify(old.sign())
        served.keys = (new,)
        await served.asked(served.requests + 2)
        assert (await door.verify(new.sign())).name == "ada"


async def test_however_many_unknown_keys_are_named_there_is_one_fetch_for_all() -> None:
    async with provider(Key("k1")) as served, verifier(served) as door:
        stranger = Key("x")
        await refused_or_away(door, stranger.sign())
        before = served.requests
        flood = [door.verify(stranger.sign(header={"kid": f"made-up-{number}"})) for number in range(100)]
        answers = await asyncio.gather(*flood, return_exceptions=True)
        assert {type(answer) for answer in answers} <= {TokenRefusedError, KeysAwayError}
        assert served.requests - before <= 2


async def test_within_half_a_minute_of_a_fetch_an_unknown_key_brings_about_none_and_known_ones_still_count() -> None:
    key = Key("k1")
    async with provider(key) as served, verifier(served, Pace()) as door:
        await door.verify(key.sign())
        for number in range(500):
            with pytest.raises(KeysAwayError) as caught:
                await door.verify(Key("x", private=key.private).sign(header={"kid": f"made-up-{number}"}))
            assert (caught.value.problem.code, caught.value.problem.final) == (ErrorCode.UNAVAILABLE, False)
            await asyncio.sleep(0)
        await door.verify(key.sign())
        assert served.requests == 1


async def test_whoever_named_a_key_that_a_later_fetch_did_not_bring_is_refused_for_good() -> None:
    key, stranger = Key("k1"), Key("x")
    async with provider(key) as served, verifier(served, Pace(unknown_s=0.2)) as door:
        await door.verify(key.sign())
        with pytest.raises(KeysAwayError):
            await door.verify(stranger.sign())
        await served.asked(2)
        await door.verify(key.sign())
        assert await refused_at_last(door, stranger.sign()) is Reason.INVALID
        assert served.requests == 2, "not by a fetch of its own"


async def test_old_keys_are_kept_while_the_url_is_away_and_new_ones_come_with_it() -> None:
    old, new = Key("k1"), Key("k2")
    async with provider(old) as served, verifier(served) as door:
        await door.verify(old.sign())
        await served.go_away()
        with pytest.raises(KeysAwayError):
            await door.verify(new.sign())
        assert (await door.verify(old.sign())).name == "ada"
        assert door.keys.lacks is None
        served.keys = (old, new)
        await served.come()
        assert (await once_known(door, new.sign(), served)).name == "ada"


async def test_before_the_first_fetch_succeeds_nobody_is_refused_for_good() -> None:
    key = Key("k1")
    served = Provider(key)
    await served.come()
    await served.go_away()
    async with verifier(served) as door:
        with pytest.raises(KeysAwayError):
            await door.verify(key.sign())
        assert door.keys.lacks == "auth_keys"
        await served.come()
        assert (await once_known(door, key.sign(), served)).name == "ada"
        assert door.keys.lacks is None
        await served.go_away()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"document": b"x" * (DOCUMENT_MAX_BYTES + 1)}, f"over {DOCUMENT_MAX_BYTES} bytes"),
        ({"document": b"<html>"}, "not JSON"),
        ({"document": b"[" * 100_000}, "not JSON"),
        ({"document": gzip.compress(b"x" * 50_000_000), "headers": "Content-Encoding: gzip\r\n"}, "not JSON"),
        ({"document": b"[]"}, "not an object"),
        ({"document": b'{"keys":[]}'}, "no key"),
        ({"document": b'{"keys":{}}'}, "not an object"),
        ({"document": json.dumps({"keys": [{}] * (KEYS_MAX + 1)}).encode()}, "not an object"),
        ({"status": "500 Oops"}, "HTTP 500"),
        ({"status": "302 Found", "headers": "Location: http://127.0.0.1:1/\r\n"}, "HTTP 302"),
        ({"hangs": True}, "TimeoutError"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_that_will_not_do_changes_nothing(
    answer: dict[str, object], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = Key("k1")
    async with provider(key) as served, verifier(served) as door:
        await door.verify(key.sign())
        for name, value in answer.items():
            setattr(served, name, value)
        await fetched_again(door, served)
        assert (await door.verify(key.sign())).name == "ada"
    told = [record.__dict__ for record in caplog.records if record.levelno >= logging.WARNING]
    assert any(said in str(line.get("reason", line.get("error_type"))) for line in told)


def test_what_cannot_prove_a_token_is_left_out_of_a_set() -> None:
    good, private = Key("k1"), Key("k2")
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "k3", "alg": "HS256"}
    leaked = {**ECAlgorithm.to_jwk(private.private, as_dict=True), "kid": "k2"}
    assert "d" in leaked
    entries = [
        *(secret, {**secret, "alg": None}, leaked, {**good.public, "use": "enc"}, {**good.public, "kid": ["k1"]}),
        *({}, 7, None, {"kty": "EC"}, {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}, {**good.public, "x": 7}),
        *({**good.public, "alg": "ES384"}, {**good.public, "alg": ["ES256"]}, good.public),
    ]
    kept = parse(json.dumps({"keys": entries}).encode())
    assert [key.key_id for key in kept.keys] == ["k1"]
    assert kept.find("HS256", "k3") is None
    with pytest.raises(UnusableKeySetError):
        parse(json.dumps({"keys": entries[:-1]}).encode())


async def fetched_again(door: RemoteKeysVerifier, served: Provider) -> None:
    """Have an unknown key bring about a fetch, and wait for its end."""
    before, unknown = served.requests, Key("unknown").sign()
    while served.requests == before:
        await refused_or_away(door, unknown)
        await asyncio.sleep(0)
    await refused_or_away(door, unknown)


async def refused_at_last(door: RemoteKeysVerifier, token: str) -> Reason:
    """As a client that tries again hears it."""
    while (reason := await refused_or_away(door, token)) is None:  # noqa: ASYNC110 - as a client tries
        await asyncio.sleep(0)
    return reason


async def refused_or_away(door: RemoteKeysVerifier, token: str) -> Reason | None:
    try:
        return await refused(door, token)
    except KeysAwayError:
        return None


def segment(value: object) -> str:
    return encoded(json.dumps(value).encode())


def encoded(data: bytes) -> str:
    return jwt.utils.base64url_encode(data).decode()
