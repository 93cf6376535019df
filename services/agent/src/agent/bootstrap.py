"""The one place where the agent's real parts are joined."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial

import httpx

from agent.breaker import Breaker
from agent.cancelling import Cancelling
from agent.cycle import Cycle
from agent.lag import Lag
from agent.model import ChatModel
from agent.model_watch import ModelWatch
from agent.operations import Operations
from agent.planner import Planner
from agent.settings import Settings
from agent.store import BusStore
from agent.sweeping import Sweeper
from agent.turns import Turns
from bus.nats_bus import NatsBus
from contracts import streams, subjects
from contracts.limits import PARTITIONS
from contracts.tokens import instance_token
from contracts.turns import RunOperations
from runtime import measuring
from runtime.process import Running

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 5.0
LOOK_TIMEOUT_S = 3.0


def shown_if_measured(settings: Settings, lag: Lag) -> AbstractAsyncContextManager[None]:
    """The bus is not asked where nobody looks."""
    measured = measuring.wanted(scraped=settings.metrics_port is not None)
    return lag.shown() if measured else nullcontext()


@asynccontextmanager
async def start(settings: Settings) -> AsyncIterator[Running]:
    """Serve turns and operations; leaving takes no more and finishes what is in hand."""
    headers = {}
    if settings.model_api_key is not None:
        headers["Authorization"] = f"Bearer {settings.model_api_key.get_secret_value()}"
    timeout = httpx.Timeout(settings.model_timeout_s, connect=CONNECT_TIMEOUT_S)
    limits = httpx.Limits(max_connections=settings.model_slots, max_keepalive_connections=settings.model_slots)
    # The model is the user's own machine or network: a proxy for the web has no business in between.
    server = partial(httpx.AsyncClient, base_url=settings.model_url, headers=headers, trust_env=False)
    async with (
        server(timeout=timeout, limits=limits) as client,
        # Beside the calls, which may take all the connections of theirs.
        server(timeout=LOOK_TIMEOUT_S, limits=httpx.Limits(max_connections=1, max_keepalive_connections=0)) as looking,
        NatsBus.connected_to(settings.bus("agent")) as bus,
    ):
        store = BusStore(bus)
        cycle = Cycle(store)
        cancelling = Cancelling(store)
        model = ModelWatch(
            ChatModel(client, settings.model_name),
            partial(ChatModel(looking, settings.model_name).listing, timeout_s=LOOK_TIMEOUT_S),
            bus,
            instance_token(settings.instance),
            look_every_s=settings.model_look_every_s,
            say_every_s=settings.model_report_every_s,
        )
        planner = Planner(model, Breaker(), timeout_s=settings.model_timeout_s)
        turns = Turns(bus, store, planner, cycle, cancelling)
        # Before the first turn is fetched, so that no word about it is missed.
        cancels = await bus.subscribe(subjects.CANCEL_ANY_TURN, cancelling.hear)
        operations = await bus.serve(
            subjects.OPS_RUN, RunOperations, Operations(store, cycle).run, queue=subjects.QUEUE_OPS
        )
        consumers = tuple(streams.partition_consumer(partition) for partition in range(PARTITIONS))
        work = await bus.work(
            streams.CHAT, consumers, turns.handle, slots=settings.model_slots, hints=subjects.LIVE_JOBS
        )

        sweeper = Sweeper(bus, turns.handle, older_than_s=settings.sweep_older_than_s)
        sweeping = asyncio.create_task(sweeper.run(settings.sweep_every_s), name="sweeper")
        watching = asyncio.create_task(model.run(), name="model watch")
        watching.add_done_callback(_ended)

        async def ready() -> str | None:
            # Not the model: without it the agent still serves operations, and tells each turn what is missing.
            return bus.lacks

        try:
            async with shown_if_measured(settings, Lag(bus)):
                yield Running(ready=ready)
        finally:
            # A turn that it has in hand is as lost as before, and found again.
            sweeping.cancel()
            watching.cancel()
            await asyncio.gather(sweeping, watching, return_exceptions=True)
            await work.close()
            await operations.close()
            await cancels.close()


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task failed", exc_info=error, extra={"task": task.get_name()})
