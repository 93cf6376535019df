"""Tokens by a key set behind a URL, as OpenID Connect providers publish it.

One task fetches: at the start, every few minutes, after a failure sooner, and when a token names a key that is not
there, since a provider may have made a new one. What was fetched last is kept while the URL is away.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

import httpx
from jwt import PyJWK

from access.checking import Header, bounded, header_of, verified
from access.errors import KeysAwayError, Reason, TokenRefusedError
from access.exposure import is_loopback
from access.identity import Identity
from access.interface import Expected
from access.key_set import ALGORITHMS, KeySet, UnusableKeySetError, parse

log = logging.getLogger(__name__)

DOCUMENT_MAX_BYTES: Final = 256 * 1024
ASKED_MAX: Final = 256


@dataclass(frozen=True)
class Pace:
    """In seconds. `unknown_s`: so far apart are fetches that unknown keys bring about."""

    refresh_s: float = 300.0
    unknown_s: float = 30.0
    retry_min_s: float = 1.0
    retry_max_s: float = 30.0
    fetch_timeout_s: float = 5.0


class _Doing(StrEnum):
    FETCHING = "fetching"
    RESTING = "resting"  # fetched a moment ago
    WAITING = "waiting"  # may fetch at once
    FAILING = "failing"  # will try again by itself


class RemoteKeys:
    """The keys behind one URL. Made by `fetched`."""

    def __init__(self, url: str, client: httpx.AsyncClient, pace: Pace) -> None:
        self._url = url
        self._client = client
        self._pace = pace
        self._keys: KeySet | None = None
        self._dead = False
        self._doing = _Doing.FETCHING
        self._wanted = asyncio.Event()
        self._fetched = asyncio.Event()
        self._asked: set[str | None] = set()
        self._absent: frozenset[str | None] = frozenset()

    @classmethod
    @asynccontextmanager
    async def fetched(cls, url: str, pace: Pace | None = None) -> AsyncIterator["RemoteKeys"]:
        """Fetch for the length of the block. The block begins at once, whether or not the URL answers."""
        # A proxy of the environment is for the outside.
        trust_env = not is_loopback(urlsplit(url).hostname or "")
        async with httpx.AsyncClient(trust_env=trust_env) as client:
            keys = cls(url, client, pace or Pace())
            fetching = asyncio.create_task(keys._keep_fetching(), name="fetching of keys")
            fetching.add_done_callback(keys._stopped)
            try:
                yield keys
            finally:
                fetching.cancel()
                await asyncio.gather(fetching, return_exceptions=True)

    @property
    def lacks(self) -> str | None:
        """For readiness: `auth_keys` while there are none, of whatever age, and once none will be fetched any more."""
        return "auth_keys" if self._keys is None or self._dead else None

    def _stopped(self, fetching: "asyncio.Task[None]") -> None:
        if not fetching.cancelled() and (error := fetching.exception()) is not None:
            self._dead = True
            self._doing = _Doing.FAILING
            self._fetched.set()
            log.error("keys are not fetched any more", exc_info=error)

    async def key_of(self, header: Header) -> PyJWK:
        """The key that a token names. One that is not there waits for a fetch, where one may be made now.

        Raises TokenRefusedError if a fetch that began after it was asked for did not bring it, and KeysAwayError if
        that is not known yet.
        """
        if header.algorithm not in ALGORITHMS:
            raise TokenRefusedError(Reason.INVALID)
        key_id = header.key_id
        if not self._knows(key_id):
            await self._look_for(key_id)
        key = self._keys.find(header.algorithm, key_id) if self._keys else None
        if key is None:
            raise TokenRefusedError(Reason.INVALID)
        return key

    def _knows(self, key_id: str | None) -> bool:
        return self._keys is not None and self._keys.has(key_id)

    async def _look_for(self, key_id: str | None) -> None:
        """Return when the key is known, or known not to be there. Raises KeysAwayError."""
        if key_id not in self._absent:
            if len(self._asked) < ASKED_MAX:
                self._asked.add(key_id)
            self._wanted.set()
            if self._doing in {_Doing.WAITING, _Doing.FETCHING}:
                await self._fetched.wait()
        if not self._knows(key_id) and key_id not in self._absent:
            raise KeysAwayError

    async def _keep_fetching(self) -> None:
        wait_s = self._pace.retry_min_s
        while True:
            if await self._fetch():
                wait_s = self._pace.retry_min_s
                await asyncio.sleep(self._pace.unknown_s)
                self._doing = _Doing.WAITING
                self._absent = frozenset()
                await self._until_wanted(self._pace.refresh_s - self._pace.unknown_s)
            else:
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, self._pace.retry_max_s)

    async def _until_wanted(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _fetch(self) -> bool:
        self._doing = _Doing.FETCHING
        self._wanted.clear()
        asked, self._asked = self._asked, set()
        keys = await self._fetch_once()
        if keys is not None:
            self._keys = keys
            # Whoever named one of these need not try again: the provider was asked after they did.
            self._absent = frozenset(key_id for key_id in asked if not keys.has(key_id))
        self._doing = _Doing.FAILING if keys is None else _Doing.RESTING
        self._fetched.set()
        self._fetched = asyncio.Event()
        return keys is not None

    async def _fetch_once(self) -> KeySet | None:
        try:
            async with asyncio.timeout(self._pace.fetch_timeout_s):
                keys = parse(await self._read())
        except (httpx.HTTPError, TimeoutError) as error:
            log.warning("keys not fetched", extra={"error_type": type(error).__qualname__})
        except UnusableKeySetError as error:
            log.warning("keys not usable", extra={"reason": str(error)})
        else:
            log.info("keys fetched", extra={"count": len(keys.keys)})
            return keys
        return None

    async def _read(self) -> bytes:
        # As it is sent, bounded: what is compressed grows by the thousand on opening.
        asking = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with self._client.stream("GET", self._url, headers=asking, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise UnusableKeySetError(f"is answered with HTTP {response.status_code}")
            document = bytearray()
            async for chunk in response.aiter_raw():
                document += chunk
                if len(document) > DOCUMENT_MAX_BYTES:
                    raise UnusableKeySetError(f"has over {DOCUMENT_MAX_BYTES} bytes")
            return bytes(document)


@dataclass(frozen=True)
class RemoteKeysVerifier:
    """Verifies by the key that a token names."""

    keys: RemoteKeys
    expected: Expected

    async def verify(self, token: str | None) -> Identity:
        text = bounded(token)
        key = await self.keys.key_of(header_of(text))
        return verified(text, [key], list(ALGORITHMS), self.expected)
