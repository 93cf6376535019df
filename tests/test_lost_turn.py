"""A turn whose consumer has lost it is answered all the same, to the page that waits for it."""

import asyncio
import json

from nats.aio.client import Client

from client import AgentClient
from contracts.channel import TurnAccepted
from contracts.permissions import TOPOLOGY
from contracts.streams import CONSUMERS
from contracts.turns import Outcome
from local_stack.passwords import load_or_make
from local_stack.temporary import RunningStack, running_stack, temporary_directory
from provision.topology import consumer_configuration

BOUND_S = 30.0
OFTEN = {"SWEEP_EVERY_S": "0.2", "SWEEP_OLDER_THAN_S": "0"}


async def topology_of(stack: RunningStack) -> Client:
    client = Client()
    password = load_or_make(stack.data / "secrets.json").bus[TOPOLOGY.user]
    url = json.loads((stack.data / "stack.json").read_text())["nats_url"]
    await client.connect(url, user=TOPOLOGY.user, password=password, inbox_prefix=TOPOLOGY.inbox_prefix)
    return client


async def call(client: Client, name: str, body: object) -> None:
    answer = await client.request(f"$JS.API.CONSUMER.{name}", json.dumps(body).encode(), timeout=BOUND_S)
    assert "error" not in json.loads(answer.data)


async def test_a_turn_that_every_consumer_was_made_anew_behind_is_answered_to_its_page() -> None:
    with temporary_directory() as directory:
        async with (
            running_stack(directory, "--standin", "--scale", "agent=2", environ=OFTEN) as stack,
            AgentClient.connect(stack.url) as client,
        ):
            topology = await topology_of(stack)
            for consumer in CONSUMERS:
                await call(topology, f"DELETE.{consumer.stream}.{consumer.name}", {})
            heard = client.messages()
            asking = asyncio.create_task(client.ask("create a list called Found"))
            async with asyncio.timeout(BOUND_S):
                async for message in heard:
                    if isinstance(message, TurnAccepted):
                        break
            for consumer in CONSUMERS:
                configuration = {**consumer_configuration(consumer), "deliver_policy": "new"}
                body = {"stream_name": consumer.stream, "config": configuration}
                await call(topology, f"DURABLE.CREATE.{consumer.stream}.{consumer.name}", body)
            completed = await asyncio.wait_for(asking, BOUND_S)
            assert (completed.outcome, completed.receipt.attempt > 1) == (Outcome.CONFIRMED, True)
            assert [row.name for row, _ in (await client.lists()).lists] == ["Found"]
            await topology.close()
