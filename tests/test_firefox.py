"""Firefox completes a chat on the page. It fails outright on servers that hand its end of candidates on to aiortc."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Final

import asyncpg
import pytest

from local_stack.temporary import RunningStack

from .firefox import ENTER, Firefox, Tab

pytestmark = pytest.mark.browser

CONNECTED: Final = '[data-testid="connection"][data-state="connected"]'
COMPOSER: Final = '[data-testid="composer"]'
TURN: Final = '[data-testid="turn"]'

# What most examples do: everything gathered first, then one offer with all of it. Then a word there and back.
WHOLE_OFFER: Final = """async (boundMs) => {
  const peer = new RTCPeerConnection({ iceServers: [] });
  const channel = peer.createDataChannel('agent', { protocol: 'agent.v1' });
  const socket = new WebSocket(`ws://${location.host}/ai/ws`);
  const done = new Promise((resolve, reject) => {
    const report = (outcome) => resolve({ outcome, sdp: peer.localDescription.sdp });
    setTimeout(() => report(`${peer.iceConnectionState}, channel ${channel.readyState}`), boundMs);
    peer.onconnectionstatechange = () => { if (peer.connectionState === 'failed') report('failed'); };
    channel.onopen = () => channel.send(JSON.stringify({ type: 'ping', id: 'first' }));
    channel.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'pong' && message.ref === 'first') report('pong');
    };
    socket.onmessage = async ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === 'ready') {
        await peer.setLocalDescription(await peer.createOffer());
        await new Promise((gathered) => {
          const look = () => { if (peer.iceGatheringState === 'complete') gathered(); };
          peer.onicegatheringstatechange = look;
          look();
        });
        socket.send(JSON.stringify({ type: 'offer', attempt: 1, sdp: peer.localDescription.sdp }));
        socket.send(JSON.stringify({ type: 'candidate', attempt: 1, candidate: null }));
      } else if (message.type === 'answer') {
        await peer.setRemoteDescription({ type: 'answer', sdp: message.sdp });
      } else if (message.type === 'error') reject(new Error(data));
    };
    socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', version: 1 }));
  });
  try { return await done; } finally { peer.close(); socket.close(); }
}"""


@pytest.fixture(scope="module")
async def firefox() -> AsyncIterator[Firefox]:
    """Without one the tests are skipped by name, and fail where CI=true."""
    executable = shutil.which("firefox-esr") or shutil.which("firefox")
    if executable is None:
        reason = "Firefox is not installed: sudo apt-get install firefox-esr"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    async with Firefox.running(executable) as running:
        yield running


@pytest.fixture(scope="module")
async def tab(stack: RunningStack, firefox: Firefox) -> Tab:
    return await firefox.open(stack.url)


async def ask(tab: Tab, text: str) -> str:
    """Type a request, and return the selector of its card once it is completed."""
    number = await tab.count(TURN)
    await tab.click(COMPOSER)
    await tab.type(text + ENTER)
    ended = f":nth-child({number + 1} of {TURN})"
    await tab.until(f"{ended}[data-outcome]")
    return ended


async def test_a_request_typed_into_firefox_is_confirmed_and_in_the_database(
    stack: RunningStack, firefox: Firefox, tab: Tab
) -> None:
    await tab.until(CONNECTED)
    created = await ask(tab, "create a list called Fennec")
    assert "Created the list “Fennec”." in await tab.text(f'{created} [data-testid="turn-text"]')
    added = await ask(tab, "add rye and oats to Fennec")
    assert await tab.count(f'{created}[data-outcome="confirmed"]') == 1
    assert await tab.count(f'{added}[data-outcome="confirmed"]') == 1
    assert await tab.count(f'{added} [data-testid="receipt-row"]') == 2
    database = await asyncpg.connect(stack.database_url)
    try:
        rows = await database.fetch(
            "SELECT i.title FROM todo_items i JOIN todo_lists l ON l.owner_key = i.owner_key AND l.id = i.list_id "
            "WHERE l.name = 'Fennec' AND l.deleted_at IS NULL AND i.deleted_at IS NULL"
        )
    finally:
        await database.close()
    assert sorted(row["title"] for row in rows) == ["oats", "rye"]
    assert firefox.errors == []


async def test_firefoxs_whole_offer_with_its_end_of_candidates_does_not_end_the_connection(tab: Tab) -> None:
    told = await tab.call(WHOLE_OFFER, 15_000)
    lines = told["sdp"].splitlines()
    addresses = [line.split()[4] for line in lines if line.startswith("a=candidate:")]
    # This is what fails elsewhere: names that nobody can look up, and the word that nothing else will come.
    assert addresses
    assert all(address.endswith(".local") for address in addresses), addresses
    assert "a=end-of-candidates" in lines
    assert told["outcome"] == "pong"
