"""A real Chromium inside a namespace, and the peer connection that our page does not show."""

import shlex
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, async_playwright

from bench.browser import FLAGS
from bench.lab.certificate import Certificate
from bench.lab.namespace import LabError, Namespace

KEEP_PEERS: Final = """
window.__peers = [];
window.__iceErrors = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...given) {
    super(...given);
    window.__peers.push(this);
    this.addEventListener('icecandidateerror', ({ errorCode, url }) => window.__iceErrors.push({ errorCode, url }));
  }
};
"""
"""An init script. It keeps every peer connection that a page makes, and what STUN and TURN servers refused."""

PAIR: Final = """
async () => {
  const peer = window.__peers.at(-1);
  if (peer === undefined) return null;
  const report = await peer.getStats();
  const transport = [...report.values()].find(({ type }) => type === 'transport');
  const pair = report.get(transport?.selectedCandidatePairId);
  if (pair === undefined) return null;
  const local = report.get(pair.localCandidateId);
  const remote = report.get(pair.remoteCandidateId);
  return { local: local.candidateType, remote: remote.candidateType, relay: local.relayProtocol ?? null };
}
"""


@dataclass(frozen=True)
class Pair:
    """The candidate pair in use: types of both ends as the client sees them, and how it reaches its TURN server."""

    local: str
    remote: str
    relay: str | None = None


@asynccontextmanager
async def chromium_in(namespace: Namespace, directory: Path, certificate: Certificate) -> AsyncIterator[Browser]:
    """A browser for the length of the block, which trusts `certificate` and no other of its authority."""
    executable = shutil.which("chromium")
    if executable is None:
        raise LabError("chromium is not installed")
    wrapper = directory / "chromium"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join(namespace.command(executable))} "$@"\n')
    wrapper.chmod(0o755)
    trusted = f"--ignore-certificate-errors-spki-list={certificate.spki}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=wrapper, args=[*FLAGS, trusted])
        try:
            yield browser
        finally:
            await browser.close()


async def pair_of(page: Page) -> Pair | None:
    """The pair of the page's newest peer connection; None while there is none."""
    found = await page.evaluate(PAIR)
    return None if found is None else Pair(**found)


async def refusals_of(page: Page) -> list[int]:
    """The codes of `icecandidateerror`: those of STUN and TURN, 701 for a server that was not reached."""
    return [refusal["errorCode"] for refusal in await page.evaluate("window.__iceErrors")]
