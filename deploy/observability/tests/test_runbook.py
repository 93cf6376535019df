"""What the runbook tells people to type works, and what it tells them to look for is said."""

import re
from pathlib import Path

import asyncpg
import nats
from nats.js.errors import NotFoundError

from bus.nats_bus import BusSettings
from contracts import streams, subjects
from contracts.metric_labels import FAULT
from contracts.permissions import TOPOLOGY
from local_stack.temporary import RunningNats

ROOT = Path(__file__).parents[3]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


async def test_its_sql_is_taken_by_the_store_s_database(database_url: str) -> None:
    statements = re.findall(r'psql -c "([^"]+)"', OPERATIONS)
    assert len(statements) == 6
    connection = await asyncpg.connect(database_url.replace("postgresql+asyncpg", "postgresql", 1))
    try:
        for statement in statements:
            await connection.fetch(statement)
    finally:
        await connection.close()


def test_log_lines_that_it_quotes_are_written_by_some_service() -> None:
    quoted = set(re.findall(r'`"([^"`]+)"`', OPERATIONS))
    sources = "".join(
        path.read_text() for folder in ("services", "packages") for path in (ROOT / folder).rglob("src/**/*.py")
    )
    assert len(quoted) > 5
    assert [line for line in sorted(quoted) if not re.search(rf'log\.\w+\(\s*"{re.escape(line)}"', sources)] == []


def test_settings_that_it_names_are_some_service_s() -> None:
    sources = "".join(path.read_text() for path in ROOT.glob("services/*/src/*/settings.py"))
    sources += "".join(path.read_text() for path in ROOT.glob("packages/*/src/*/settings.py"))
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", OPERATIONS)) - {"GATEWAY_NETWORK"}  # coturn's
    assert len(named) > 5
    assert [name for name in sorted(named) if not re.search(rf"^    {name.lower()}: ", sources, re.MULTILINE)] == []


def test_it_knows_every_fault_of_the_model_and_no_other() -> None:
    assert set(re.findall(r"`(model_\w+)`", OPERATIONS)) == FAULT.values


async def test_the_user_that_it_takes_for_streams_may_look_at_dead_letters_and_take_them_out(
    nats_server: RunningNats,
) -> None:
    settings = nats_server.bus_settings("agent")
    agent = await _connected(settings)
    subject = subjects.dead_turn("s_operations", "018f0000-0000-7000-8000-000000000001")
    acknowledged = await agent.jetstream().publish(subject, b"{}")
    await agent.close()

    operator = await _connected(nats_server.bus_settings(TOPOLOGY.user))
    try:
        stream = operator.jsm()
        assert (await stream.stream_info(streams.DLQ)).state.messages >= 1
        assert (await stream.get_msg(streams.DLQ, acknowledged.seq)).subject == subject
        assert await stream.delete_msg(streams.DLQ, acknowledged.seq)
        try:
            await stream.get_msg(streams.DLQ, acknowledged.seq)
        except NotFoundError:
            return
        raise AssertionError("the dead letter is still there")
    finally:
        await operator.close()


async def _connected(settings: BusSettings) -> nats.NATS:
    return await nats.connect(
        settings.url, user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix.encode()
    )
