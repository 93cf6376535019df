"""Tokens by a shared secret: who gets in, and who does not."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from access.errors import Reason, TokenRefusedError
from access.identity import LEEWAY_S
from access.interface import Expected
from access.shared_secret import SharedSecrets, UnusableSecretError, secrets_of
from contracts.limits import TOKEN_MAX_CHARS
from contracts.message import ErrorCode
from contracts.tokens import owner_key

NEW, OLD, FOREIGN = "n" * 32, "o" * 32, "f" * 32
EXPECTED = Expected("local", "todo-agent")
SECRETS = SharedSecrets((NEW, OLD), EXPECTED)
HOUR = timedelta(hours=1)


def token(secret: str = NEW, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
    said = {"iss": "local", "aud": "todo-agent", "sub": "ada", "exp": time.time() + 60, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode(said, secret, algorithm="HS256", headers=header)


def by_hand(header: object, claims: object, signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


async def refused(text: str | None, secrets: SharedSecrets = SECRETS) -> Reason:
    with pytest.raises(TokenRefusedError) as caught:
        await secrets.verify(text)
    problem = caught.value.problem
    assert (problem.code, problem.final, problem.value) == (ErrorCode.UNAUTHORISED, True, None)
    return caught.value.reason


async def test_whoever_has_a_token_is_known_by_the_key_of_issuer_and_name() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    identity = await SECRETS.verify(SECRETS.mint("Ada", HOUR, now=now))
    assert identity.owner == owner_key("local", "Ada")
    assert identity.name == "Ada"
    assert identity.expires_at == now + HOUR + timedelta(seconds=LEEWAY_S)


async def test_the_name_is_the_claim_of_that_name_and_else_the_subject() -> None:
    assert (await SECRETS.verify(token(name="Ada Lovelace"))).name == "Ada Lovelace"
    assert (await SECRETS.verify(token())).name == "ada"
    assert (await SECRETS.verify(token(name=7))).name == "ada"
    assert (await SECRETS.verify(token(name="\u202e\x1b[2J \n"))).name == "[2J"
    assert (await SECRETS.verify(token(name="\u202e"))).name == "ada"
    assert len((await SECRETS.verify(token(name="x" * 4000))).name) == 80
    assert (await SECRETS.verify(token(sub="\u202e"))).name == owner_key("local", "\u202e")[:8]


async def test_tokens_of_the_secret_before_are_still_good_and_new_ones_are_of_the_first() -> None:
    assert (await SECRETS.verify(token(OLD))).name == "ada"
    assert await refused(token(FOREIGN)) is Reason.INVALID
    minted = SECRETS.mint("ada", HOUR)
    assert (await SharedSecrets((NEW,), EXPECTED).verify(minted)).name == "ada"
    assert await refused(minted, SharedSecrets((OLD,), EXPECTED)) is Reason.INVALID


async def test_the_same_name_of_another_issuer_is_somebody_else() -> None:
    elsewhere = SharedSecrets((NEW,), Expected("elsewhere", "todo-agent"))
    there = await elsewhere.verify(elsewhere.mint("ada", HOUR))
    here = await SECRETS.verify(SECRETS.mint("ada", HOUR))
    assert there.owner != here.owner
    assert await refused(elsewhere.mint("ada", HOUR)) is Reason.INVALID


async def test_without_a_token_it_is_said_that_there_is_none() -> None:
    assert await refused(None) is Reason.MISSING
    assert await refused("") is Reason.MISSING


async def test_an_expired_token_is_called_so_by_either_secret_and_clocks_may_differ_a_little() -> None:
    assert await refused(token(exp=time.time() - LEEWAY_S - 2)) is Reason.EXPIRED
    assert await refused(token(OLD, exp=time.time() - LEEWAY_S - 2)) is Reason.EXPIRED
    late = await SECRETS.verify(token(exp=time.time() - LEEWAY_S / 2))
    assert late.expires_at > datetime.now(UTC), "whoever is let in has time left"
    assert await refused(token(FOREIGN, exp=1)) is Reason.INVALID, "of a forged token nothing is told"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": "soon"},
        {"exp": [1]},
        {"exp": 1e300},
        {"exp": float("inf")},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"iss": None},
        {"iss": "other"},
        {"iss": ["local"]},
        {"aud": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": [["todo-agent"]]},
        {"aud": {"todo-agent": 1}},
        {"nbf": time.time() + 3600},
        {"iat": time.time() + 3600},
        {"iat": "now"},
    ],
    # A moment is not told by its seconds: the same test has the same name in each process.
    ids=lambda claims: "-".join(
        f"{name}={value:.0e}" if isinstance(value, float) else f"{name}={str(value)[:12]}"
        for name, value in claims.items()
    ),
)
async def test_claims_that_will_not_do(claims: dict[str, Any]) -> None:
    # jwt.encode checks some of them itself.
    said = {"iss": "local", "aud": "todo-agent", "sub": "ada", "exp": time.time() + 60, **claims}
    payload = json.dumps({name: value for name, value in said.items() if value is not None})
    assert await refused(jwt.api_jws.encode(payload.encode(), NEW, "HS256")) is Reason.INVALID


async def test_a_subject_that_is_half_a_character_is_refused() -> None:
    payload = json.dumps({"iss": "local", "aud": "todo-agent", "exp": time.time() + 60, "sub": "\ud800"})
    assert await refused(jwt.api_jws.encode(payload.encode(), NEW, "HS256")) is Reason.INVALID


async def test_one_audience_of_several_is_enough() -> None:
    assert (await SECRETS.verify(token(aud=["other", "todo-agent"]))).name == "ada"


GOOD = {"iss": "local", "aud": "todo-agent", "sub": "ada", "exp": 4_000_000_000}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x.y",
        "a.b.c",
        "...",
        "\ud800.\ud800.\ud800",
        "é.é.é",
        by_hand({"alg": "none"}, GOOD),
        by_hand({"alg": "NONE", "typ": "JWT"}, GOOD, b"x"),
        by_hand({"alg": "HS512"}, GOOD, b"x" * 64),
        by_hand({"alg": ["HS256"]}, GOOD, b"x" * 32),
        by_hand({"alg": {}}, GOOD, b"x" * 32),
        by_hand({}, GOOD, b"x" * 32),
        by_hand([], GOOD, b"x" * 32),
        by_hand({"alg": "HS256", "kid": 7}, GOOD, b"x" * 32),
        by_hand({"alg": "HS256", "crit": ["x"], "x": 1}, GOOD, b"x" * 32),
        by_hand({"alg": "HS256", "b64": False, "crit": ["b64"]}, GOOD, b"x" * 32),
        by_hand({"alg": "HS256"}, GOOD, b"x" * 32),
        base64.urlsafe_b64encode(b"[" * 5900).decode().rstrip("=") + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":' + b"9" * 5000 + b"}").decode().rstrip("=") + ".e30.e30",
    ],
    ids=lambda text: ascii(text[:24]),
)
async def test_what_is_no_token_is_refused_in_the_same_words(text: str) -> None:
    assert await refused(text) is Reason.INVALID


async def test_a_header_that_needs_what_we_do_not_know_is_refused_although_its_signature_is_good() -> None:
    assert await refused(token(header={"crit": ["exp"], "exp": 1})) is Reason.INVALID


async def test_a_token_of_a_megabyte_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: Any, **__: Any) -> None:
        raise AssertionError("was decoded")

    monkeypatch.setattr(jwt, "decode", decode)
    assert await refused("x" * 1_000_000) is Reason.INVALID
    assert await refused("x" * (TOKEN_MAX_CHARS + 1)) is Reason.INVALID
    with pytest.raises(AssertionError, match="was decoded"):
        await SECRETS.verify("x" * TOKEN_MAX_CHARS)


def test_secrets_are_separated_by_commas() -> None:
    assert secrets_of(f" {NEW} ,{OLD},") == (NEW, OLD)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "0 secrets"),
        (",", "0 secrets"),
        ("s3cret", "of 6 bytes (number 1)"),
        (f"{NEW},{'s' * 31}", "of 31 bytes (number 2)"),
        (",".join([NEW] * 5), "5 secrets"),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", "key file"),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIiI", "key file"),
    ],
)
def test_secrets_that_will_not_do_are_refused_without_being_shown(text: str, what: str) -> None:
    with pytest.raises(UnusableSecretError) as caught:
        secrets_of(text)
    assert what in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_no_secret_shows_in_what_is_printed() -> None:
    assert NEW not in repr(SECRETS)
