"""Workers on partitioned durable consumers: a free slot first, then a job, so that nothing waits at a busy worker.

Each of `slots` workers takes a consumer that may have work, pulls one message without waiting, handles it under a
lease kept alive by heartbeats, and acks. `max_ack_pending=1` at the server keeps each partition in order across all
agents. A live event hints which consumer has work; a look at all of them every LOOK_EVERY_S finds what no hint
told: messages stored before the start, lost hints, leases that a dead worker let go.
"""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Coroutine, Iterator
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription
from nats.errors import Error as NatsError

from bus import headers, tracing
from bus.errors import LetGo, RetryLater, Unprocessable
from bus.interface import Job, JobHandler
from bus.metering import Counter
from contracts import metrics
from contracts.limits import LEASE_S
from contracts.subjects import partition_of_live_job

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
PULL_TIMEOUT_S: Final = 5.0
HEARTBEAT_S: Final = LEASE_S / 3
FAILED_RETRY_S: Final = 5.0
TROUBLE_PAUSE_S: Final = 1.0
FINISH_TIMEOUT_S: Final = 25.0
_JOBS: Final = Counter(metrics.JOBS)
_REDELIVERIES: Final = Counter(metrics.REDELIVERIES)
_SLOTS: Final = Counter(metrics.SLOTS)
_NO_WAIT_PULL: Final = json.dumps({"batch": 1, "no_wait": True}).encode()


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    _SLOTS.add(-1, {"state": "free"})
    _SLOTS.add(1, {"state": "busy"})
    try:
        yield
    finally:
        _SLOTS.add(1, {"state": "free"})
        _SLOTS.add(-1, {"state": "busy"})


class Workers:
    """Made by NatsBus.work; `close` stops taking, finishes what is held, and returns."""

    def __init__(
        self, client: Client, stream: str, consumers: tuple[str, ...], handler: JobHandler, *, slots: int
    ) -> None:
        self._client = client
        self._stream = stream
        self._consumers = consumers
        self._handler = handler
        self._ready: asyncio.Queue[int] = asyncio.Queue(maxsize=len(consumers))
        self._queued: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = slots
        self._closing = asyncio.Event()
        self._hints: NatsSubscription | None = None

    async def start(self, hints: str) -> None:
        _SLOTS.add(self._slots, {"state": "free"})
        self._hints = await self._client.subscribe(hints, cb=self._hinted, pending_msgs_limit=1024)
        for number in range(self._slots):
            self._tasks.add(asyncio.create_task(self._keep_working(), name=f"worker-{number}"))
        self._tasks.add(asyncio.create_task(self._look(), name="look"))

    async def close(self) -> None:
        self._closing.set()
        if self._hints is not None and not self._client.is_closed:
            await self._hints.unsubscribe()
        _, late = await asyncio.wait(self._tasks, timeout=FINISH_TIMEOUT_S)
        for task in late:
            task.cancel()
        if late:
            log.error("jobs abandoned at shutdown", extra={"count": len(late)})
            await asyncio.wait(late, timeout=1)
        _SLOTS.add(-self._slots, {"state": "free"})

    def _mark(self, index: int) -> None:
        if index not in self._queued:
            self._queued.add(index)
            self._ready.put_nowait(index)

    async def _hinted(self, message: Msg) -> None:
        index = partition_of_live_job(message.subject)
        if index < len(self._consumers):
            self._mark(index)

    async def _look(self) -> None:
        while not self._closing.is_set():
            for index in range(len(self._consumers)):
                self._mark(index)
            try:
                await asyncio.wait_for(self._closing.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def _keep_working(self) -> None:
        """A worker outlives whatever goes wrong with the bus; one that ended unseen would leave a slot unused."""
        while not self._closing.is_set():
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - see above
                if self._client.is_closed:
                    return  # for good: the connection's own watch ends the process
                log.warning("worker starts anew", extra={"error_type": type(error).__qualname__})
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), TROUBLE_PAUSE_S)

    async def _work(self) -> None:
        inbox = self._client.new_inbox()
        replies = await self._client.subscribe(inbox, pending_msgs_limit=4)
        try:
            while (index := await self._next_ready()) is not None:
                message = await self._pull(index, inbox, replies)
                if message is not None:
                    with _busy():
                        await self._handle(message)
                    self._mark(index)
        finally:
            # A late answer must not be taken for the answer to a later pull, so an inbox ends with its trouble.
            if not self._client.is_closed:
                await replies.unsubscribe()

    async def _next_ready(self) -> int | None:
        """The next consumer that may have work, or None once closing."""
        if self._closing.is_set():
            return None
        taking = asyncio.create_task(self._ready.get())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait({taking, closing}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                return None
            index = taking.result()
            self._queued.discard(index)
            return index
        finally:
            taking.cancel()
            closing.cancel()

    async def _pull(self, index: int, inbox: str, replies: NatsSubscription) -> Msg | None:
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumers[index]}"
        await self._client.publish(subject, _NO_WAIT_PULL, reply=inbox)
        message = await replies.next_msg(timeout=PULL_TIMEOUT_S)
        # 404: nothing there; 409: another agent holds this partition's one message; 503: nobody answers.
        status = (message.headers or {}).get(headers.STATUS)
        if status is not None and not message.data:
            if status not in {"404", "409", "408"}:
                log.warning("pull refused", extra={"status": status})
            return None
        return message

    async def _handle(self, message: Msg) -> None:
        metadata = message.metadata
        received = message.headers or {}
        job = Job(
            subject=message.subject,
            data=message.data,
            sequence=metadata.sequence.stream,
            deliveries=metadata.num_delivered,
            trace=received,
        )
        if job.deliveries > 1:
            _REDELIVERIES.add(1)
        heartbeat = asyncio.create_task(self._heartbeat(message))
        try:
            waited_s = max(0.0, time.time() - metadata.timestamp.timestamp())
            with tracing.processing(job.subject, received, deliveries=job.deliveries, waited_s=waited_s):
                await self._handler(job)
            await message.ack()
            _JOBS.add(1, {"result": "acked"})
        except RetryLater as later:
            _JOBS.add(1, {"result": "given_back"})
            log.warning("job given back", extra={"reason": later.reason, "deliveries": job.deliveries})
            await self._settle(message.nak(delay=later.delay_s))
        except Unprocessable as bad:
            _JOBS.add(1, {"result": "taken_out"})
            log.error("job taken out", extra={"reason": bad.reason, "deliveries": job.deliveries})
            await self._settle(message.term())
        except LetGo:
            _JOBS.add(1, {"result": "let_go"})
            log.info("job let go", extra={"deliveries": job.deliveries})
        except Exception as error:
            _JOBS.add(1, {"result": "failed"})
            log.error("job failed", exc_info=error, extra={"error_type": type(error).__qualname__})
            await self._settle(message.nak(delay=FAILED_RETRY_S))
        finally:
            heartbeat.cancel()

    async def _settle(self, answer: Coroutine[Any, Any, None]) -> None:
        try:
            await answer
        except NatsError as error:
            # The lease runs out by itself, and the job comes again.
            log.warning("answer to a job not sent", extra={"error_type": type(error).__qualname__})

    async def _heartbeat(self, message: Msg) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            try:
                await message.in_progress()
            except NatsError as error:
                log.warning("heartbeat not sent", extra={"error_type": type(error).__qualname__, "at": time.time()})
