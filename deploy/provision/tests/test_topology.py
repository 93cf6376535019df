"""Streams and consumers as JetStream holds them after the declaration."""

import json
import time
from typing import Any

import pytest
from nats.aio.client import Client

from contracts.limits import PARTITIONS
from contracts.streams import CHAT, CONSUMERS, STREAMS
from local_stack.temporary import RunningNats, running_nats, temporary_directory
from provision.topology import TopologyError, declare, stream_configuration


async def api(server: RunningNats, call: str, body: dict[str, Any]) -> dict[str, Any]:
    settings = server.bus_settings("topology")
    client = Client()
    await client.connect(
        settings.url, user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix
    )
    try:
        answer = await client.request(f"$JS.API.{call}", json.dumps(body).encode(), timeout=5)
    finally:
        await client.close()
    found: dict[str, Any] = json.loads(answer.data)
    return found


async def test_every_stream_and_consumer_is_as_the_contracts_say(nats_server: RunningNats) -> None:
    for stream in STREAMS:
        held = (await api(nats_server, f"STREAM.INFO.{stream.name}", {}))["config"]
        assert held["subjects"] == list(stream.subjects)
        assert held["discard"] == stream.discard
        assert held.get("discard_new_per_subject", False) is stream.refuses_repeats
        assert held["max_msgs_per_subject"] == 1
        assert held["max_bytes"] == stream.max_bytes
        assert held["allow_direct"] is True
        assert held["num_replicas"] == 1
    names = (await api(nats_server, f"CONSUMER.NAMES.{CHAT}", {}))["consumers"]
    assert sorted(names) == sorted(consumer.name for consumer in CONSUMERS)
    held = (await api(nats_server, f"CONSUMER.INFO.{CHAT}.agent-31", {}))["config"]
    assert held["filter_subject"] == "job.chat.31.>"
    assert held["max_ack_pending"] == 1
    assert held["max_deliver"] == -1


async def test_a_second_declaration_changes_nothing_and_takes_no_time(nats_server: RunningNats) -> None:
    begun = time.monotonic()
    declared = await declare(nats_server.bus_settings("topology"))
    assert declared.made == ()
    assert declared.changed == ()
    assert time.monotonic() - begun < 2.0  # 40 ms where measured; the bound allows for a busy machine


async def test_a_limit_that_differs_is_put_right_and_a_partition_count_is_not() -> None:
    chat = next(stream for stream in STREAMS if stream.name == CHAT)
    with temporary_directory() as directory:
        async with running_nats(directory) as server:
            wanted = stream_configuration(chat)
            await api(server, f"STREAM.UPDATE.{CHAT}", {**wanted, "max_bytes": 1_000_000})
            assert (await declare(server.bus_settings("topology"))).changed == (CHAT,)
            held = (await api(server, f"STREAM.INFO.{CHAT}", {}))["config"]
            assert held["max_bytes"] == chat.max_bytes

            transform = {**wanted["subject_transform"]}
            transform["dest"] = transform["dest"].replace(f"partition({PARTITIONS},", "partition(8,")
            answer = await api(server, f"STREAM.UPDATE.{CHAT}", {**wanted, "subject_transform": transform})
            assert "error" not in answer
            with pytest.raises(TopologyError, match=r"partition\(8,1\).*fresh data directory"):
                await declare(server.bus_settings("topology"))
            held = (await api(server, f"STREAM.INFO.{CHAT}", {}))["config"]
            assert held["subject_transform"] == transform


async def test_a_server_that_is_away_is_said_in_words(nats_server: RunningNats) -> None:
    settings = nats_server.bus_settings("topology")
    away = type(settings)(
        url="nats://127.0.0.1:9", user=settings.user, password="x", inbox_prefix="_INBOX_topology", name="topology"
    )
    with pytest.raises(TopologyError, match="did not answer"):
        await declare(away, timeout=0.2)
