"""The bus on a real NATS, each service as its own user: what a request, an event, a store and a job come to."""

import time
from uuid import uuid4

import pytest

from bus import headers
from bus.errors import BusPermissionError, NoReplyError, TooLargeError, UnavailableError
from bus.interface import Event
from contracts import subjects
from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.message import Message

from .two_buses import BOUND_S, OWNER, Number, OnNats


async def test_a_request_that_nobody_waits_for_any_more_is_not_carried_out(nats_buses: OnNats) -> None:
    seen: list[int] = []

    async def handler(asked: Number) -> Number:
        seen.append(asked.n)
        return asked

    agent, gateway = await nats_buses.of("agent"), await nats_buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    late = {headers.DEADLINE: str(int(time.time() * 1000) - 1)}
    await gateway._client.publish(
        subjects.OPS_RUN, Number(n=1).to_json(), reply=gateway._client.new_inbox(), headers=late
    )
    await gateway.request(subjects.OPS_RUN, Number(n=2), Number, timeout=BOUND_S)
    assert seen == [2]
    await served.close()


async def test_a_subscription_that_permissions_forbid_stops_the_service(nats_buses: OnNats) -> None:
    signaling = await nats_buses.of("signaling")

    async def never(_: Event) -> None:
        raise AssertionError

    with pytest.raises(BusPermissionError):
        await signaling.subscribe(subjects.todo_changed(OWNER), never)
    with pytest.raises(BusPermissionError):
        await signaling.serve(subjects.TODO_APPLY, Number, never, queue="todo")  # type: ignore[arg-type]


async def test_a_request_that_permissions_forbid_is_never_heard(nats_buses: OnNats) -> None:
    signaling, store = await nats_buses.of("signaling"), await nats_buses.of("todo-store")
    heard: list[Number] = []

    async def handler(asked: Number) -> Number:
        heard.append(asked)
        return asked

    served = await store.serve(subjects.TODO_APPLY, Number, handler, queue=subjects.QUEUE_TODO)
    with pytest.raises(NoReplyError):
        await signaling.request(subjects.TODO_APPLY, Number(n=1), Number, timeout=0.2)
    assert heard == []
    await served.close()


async def test_what_does_not_fit_on_the_bus_is_not_called_an_outage(nats_buses: OnNats) -> None:
    class Text(Message):
        text: str

    agent = await nats_buses.of("agent")
    with pytest.raises(TooLargeError) as caught:
        await agent.store(subjects.turn_completed("big", uuid4().hex), Text(text="x" * BUS_PAYLOAD_MAX_BYTES))
    assert not caught.value.passing
    assert UnavailableError("away").passing


async def test_replies_carry_none_of_the_requests_headers(nats_buses: OnNats) -> None:
    async def handler(asked: Number) -> Number:
        return asked

    agent, gateway = await nats_buses.of("agent"), await nats_buses.of("rtc-gateway")
    served = await agent.serve(subjects.OPS_RUN, Number, handler, queue=subjects.QUEUE_OPS)
    sent = {"X-Secret": "s", headers.DEADLINE: str(int(time.time() * 1000) + 5000)}
    answer = await gateway._client.request(subjects.OPS_RUN, Number(n=1).to_json(), timeout=BOUND_S, headers=sent)
    assert set(answer.headers or {}) == {headers.LAST}
    await served.close()


async def test_a_refused_publish_makes_the_process_unready_and_is_said_once(
    nats_buses: OnNats, caplog: pytest.LogCaptureFixture
) -> None:
    signaling = await nats_buses.of("signaling")
    assert signaling.lacks is None
    for _ in range(3):
        await signaling.publish(subjects.todo_changed(OWNER), Number(n=1))
    await signaling._client.flush()
    await signaling._client.flush()
    assert signaling.lacks == "bus_permissions"
    said = [record for record in caplog.records if record.message == "bus user may not publish"]
    assert [record.__dict__["subject"] for record in said] == ["evt.todo.{owner}.changed"]


async def test_a_reply_that_nobody_waits_for_any_more_leaves_the_process_ready(nats_buses: OnNats) -> None:
    agent = await nats_buses.of("agent")
    await agent._client.publish("_INBOX_signaling.late", b"{}")
    await agent._client.flush()
    await agent._client.flush()
    assert agent.lacks is None
