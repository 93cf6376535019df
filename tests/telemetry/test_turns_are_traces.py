"""A turn is one trace, whole, through every service that had a part in it, however it went."""

import re
import time
from datetime import UTC, datetime

import pytest
from tests.mcp_clients.bridge import connected, new_owner

from client import AgentClient
from contracts import conventions
from contracts.channel import SessionCurrent, TurnAccepted, TurnCompletedEvent, TurnStart
from contracts.operations import CreateList
from contracts.tokens import new_list_id, uuid7
from contracts.turns import Outcome, TurnCompleted

from .conftest import Traced, running_traced
from .trees import Received, Tree, faults

TURNS = 200
CANARY = "quetzalcoatlus"
START = "evt.chat.{session}.{turn}.start"
COMPLETED = "evt.chat.{session}.{turn}.completed"
CHANGED = "evt.todo.{owner}.changed"
JOB = "job.chat.{partition}.{session}.{turn}"
TOLD = f"process {COMPLETED}"
ASKED = ["page: turn.start", "rtc-gateway: turn.start", f"rtc-gateway: send {START}", f"agent: process {JOB}"]
INVOKED = [*ASKED, "agent: invoke_agent todo"]
APPLIED = [*INVOKED, "agent: EXECUTE", "agent: rpc.todo.v1.apply", "todo-store: rpc.todo.v1.apply"]


def told(tree: Tree) -> bool:
    """Whether the gateway has passed the outcome on."""
    return bool(tree.named("rtc-gateway", TOLD))


def shown(tree: Tree) -> bool:
    """Whether the gateway has heard of the change, for its boards."""
    return bool(tree.named("rtc-gateway", f"process {CHANGED}"))


def trace_of(turn: TurnCompleted) -> str | None:
    return turn.receipt.trace_id


def only(spans: list[Received]) -> Received:
    (span,) = spans
    return span


async def jobs_of(traced: Traced, turn: TurnCompleted) -> list[Received]:
    """The deliveries of a turn that were lived through, once there is one."""

    def found() -> list[Received]:
        return Tree(traced.receiver.of_trace(trace_of(turn))).named("agent", f"process {JOB}")

    await traced.receiver.until(lambda: bool(found()))
    return found()


async def test_an_agent_dies_over_a_turn_and_the_turn_is_still_one_whole_trace(traced: Traced) -> None:
    """Of the attempt that died nothing was exported; the one that took it over is below the same parent."""
    async with AgentClient.connect(traced.stack.url) as client:
        for number in range(50):
            turn = await client.ask(f"create a list called {CANARY}{number}")
            tree = await traced.tree(trace_of(turn), once=told)
            job = only(tree.named("agent", f"process {JOB}"))
            if job.attributes[conventions.NATS_DELIVERY_COUNT] == 2:
                break
            assert job.attributes[conventions.NATS_DELIVERY_COUNT] == 1
    assert re.search(r"agent-1.*SIGKILL", traced.stack.said.read_text()), "no agent died"
    assert turn.outcome is Outcome.CONFIRMED
    assert tree.path(job) == ASKED
    assert float(job.attributes[conventions.NATS_QUEUE_WAIT_S]) > 1
    take_over = only(tree.named("todo-store", "rpc.todo.v1.take_over"))
    assert tree.path(take_over) == [*INVOKED, "agent: rpc.todo.v1.take_over", "todo-store: rpc.todo.v1.take_over"]


@pytest.mark.long
async def test_an_agent_that_dies_behind_its_apply_leaves_a_hole_at_that_moment_and_nowhere_else() -> None:
    """What that attempt had ended, and what the store did for it, is there below spans that the agent took with it."""
    async with running_traced("agent-1:after_apply") as traced, AgentClient.connect(traced.stack.url) as client:
        for number in range(50):
            turn = await client.ask(f"create a list called Crash{number}")
            taken = await jobs_of(traced, turn)
            if taken[0].attributes[conventions.NATS_DELIVERY_COUNT] == 2:
                break
    assert turn.outcome is Outcome.CONFIRMED
    tree = Tree(traced.receiver.of_trace(trace_of(turn)))  # all of it: what was left was sent as the stack stopped
    lost = tree.orphans()
    assert lost
    by_the_dead = {"agent-1"}  # what it had ended and sent before it died; the rest was done for it
    done_for_it = {span.name for span in lost if span.resource[conventions.SERVICE_INSTANCE_ID] not in by_the_dead}
    assert done_for_it <= {"rpc.todo.v1.snapshot", "rpc.todo.v1.apply"}
    without = {span.span_id for top in lost for span in (top, *tree.below(top))}
    assert faults(span for span in tree.spans if span.span_id not in without) == []
    assert tree.path(only(tree.named("agent", "CONFIRM"))) == [*INVOKED, "agent: CONFIRM"]


async def test_a_turn_goes_from_the_page_through_model_and_database_and_back_in_one_trace(traced: Traced) -> None:
    async with AgentClient.connect(traced.stack.url) as client:
        before = time.time_ns()
        turn = await client.ask("create a list called Groceries")
        session = client.ready.session
        # While the page is there: its board hears of the change.
        tree = await traced.tree(trace_of(turn), once=lambda tree: told(tree) and shown(tree))
    assert {span.service for span in tree.spans} == {"page", "rtc-gateway", "agent", "todo-store"}

    def path(service: str, name: str) -> list[str]:
        return tree.path(only(tree.named(service, name)))

    (root,) = (span for span in tree.spans if span.parent_id is None)
    assert (root.label, root.kind) == ("page: turn.start", "CLIENT")
    assert before <= root.began_ns
    assert path("todo-store", "INSERT todo_lists") == [*APPLIED, "todo-store: INSERT todo_lists"]
    model = only([span for span in tree.spans if span.name.startswith("chat ")])
    assert tree.path(model)[:-1] == [*INVOKED, "agent: PLAN"]
    assert model.kind == "CLIENT"
    assert model.attributes[conventions.GEN_AI_USAGE_INPUT_TOKENS]
    confirm = only(tree.named("agent", "CONFIRM"))
    assert tree.path(confirm) == [*INVOKED, "agent: CONFIRM"]
    assert confirm.attributes[conventions.TODO_VERDICT] == "confirmed"
    invoked = only(tree.named("agent", "invoke_agent todo"))
    assert invoked.attributes[conventions.TODO_OUTCOME] == "confirmed"
    assert invoked.attributes[conventions.TODO_TURN_ID] == turn.turn_id
    # And back: the outcome to the page, the change to its board.
    assert path("rtc-gateway", TOLD) == [*INVOKED, f"agent: send {COMPLETED}", f"rtc-gateway: {TOLD}"]
    heard = [*APPLIED, f"todo-store: send {CHANGED}", f"rtc-gateway: process {CHANGED}"]
    assert tree.path(tree.named("rtc-gateway", f"process {CHANGED}")[0]) == heard
    in_session = [
        span for span in tree.spans if span.service in {"rtc-gateway", "agent"} and "{owner}" not in span.name
    ]
    assert {span.attributes.get(conventions.SESSION_ID) for span in in_session} == {session}
    assert model.attributes[conventions.GEN_AI_CONVERSATION_ID] == session


async def test_a_click_is_a_trace_of_its_own(traced: Traced) -> None:
    async with AgentClient.connect(traced.stack.url) as client:
        done = await client.run([CreateList(list_id=new_list_id(), name="Clicked")])
    tree = await traced.tree(done.receipt.trace_id, once=lambda tree: bool(tree.named("agent", "CONFIRM")))
    run = ["page: op.run", "rtc-gateway: op.run", "rtc-gateway: rpc.ops.v1.run", "agent: rpc.ops.v1.run"]
    for step in ("PLAN", "EXECUTE", "CONFIRM"):
        assert tree.path(only(tree.named("agent", step))) == [*run, f"agent: {step}"]


async def test_a_turn_that_ends_while_its_page_is_away_is_linked_where_it_is_told(traced: Traced) -> None:
    """And sent again by the page, as it is when in doubt, it goes on in its trace, which still has one root."""
    trace_id, parent = "ab" * 16, "cd" * 8
    start = TurnStart(
        id="s1",
        turn_id=uuid7(),
        text="create a list called Away",
        sent_at=datetime.now(UTC),
        traceparent=f"00-{trace_id}-{parent}-00",  # a stranger's flag, by which nothing is left out
    )
    await traced.model.hold()
    async with AgentClient.connect(traced.stack.url) as client:
        messages = client.messages()
        client.send(start)
        async for message in messages:
            if isinstance(message, TurnAccepted):
                break
        await traced.model.until_asked()
        resumption = client.resumption
    await traced.model.release()
    tree = await traced.tree(trace_id, once=lambda tree: bool(tree.named("agent", f"send {COMPLETED}")))
    async with AgentClient.connect(traced.stack.url, resume=resumption) as client:
        assert client.ready.resumed
        messages = client.messages()
        client.send(start.model_copy(update={"id": "s2"}))
        seen: list[object] = []
        async for message in messages:
            seen.append(message)
            if {TurnAccepted, SessionCurrent, TurnCompletedEvent} <= {type(one) for one in seen}:
                break
    tree = await traced.tree(trace_id, once=lambda tree: len(tree.named("rtc-gateway", "turn.start")) == 2)
    root = only(tree.named("page", "turn.start"))
    assert root.span_id == parent
    assert {span.parent_id for span in tree.named("rtc-gateway", "turn.start")} == {parent}
    sent = only(tree.named("agent", f"send {COMPLETED}"))
    await traced.receiver.until(
        lambda: any((trace_id, sent.span_id) in span.links for span in traced.receiver.spans), within_s=5
    )
    replay = only([span for span in traced.receiver.spans if (trace_id, sent.span_id) in span.links])
    assert (replay.service, replay.name, replay.parent_id) == ("rtc-gateway", f"replay {COMPLETED}", None)
    assert replay.attributes[conventions.MESSAGING_BATCH_MESSAGE_COUNT] == 1
    assert replay.trace_id != trace_id


async def test_a_tool_call_goes_on_with_its_clients_trace_and_is_its_own_where_there_is_none(traced: Traced) -> None:
    trace_id, parent = "12" * 16, "34" * 8
    owner = new_owner()
    async with connected(traced.stack.data, owner, env=traced.receiver.environ) as caller:
        await caller.client.call_tool(
            "create_todo_list", {"name": "Called"}, meta={"traceparent": f"00-{trace_id}-{parent}-01", "baggage": "a=b"}
        )
        await caller.done("create_todo_list", name="Untraced")
        failed = await caller.call("complete_todo_item", item="none of these")
        assert failed.failed
    # As a client that traces exports it.
    resource = dict.fromkeys(conventions.RESOURCE_ATTRIBUTES, "mcp-client")
    client = Received(trace_id, parent, None, "tools/call create_todo_list", "CLIENT", resource)
    traced.receiver.spans.append(client)
    tree = await traced.tree(trace_id, once=lambda tree: bool(tree.named("agent", "CONFIRM")))
    assert {"mcp-client", "mcp-bridge", "agent", "todo-store"} <= {span.service for span in tree.spans}
    called = only(tree.named("mcp-bridge", "tools/call create_todo_list"))
    assert called.kind == "SERVER"
    assert called.attributes[conventions.GEN_AI_OPERATION_NAME] == "execute_tool"
    run = [client.label, called.label, "mcp-bridge: rpc.ops.v1.run", "agent: rpc.ops.v1.run"]
    apply = only(tree.named("todo-store", "rpc.todo.v1.apply"))
    assert tree.path(apply) == [*run, "agent: EXECUTE", "agent: rpc.todo.v1.apply", "todo-store: rpc.todo.v1.apply"]

    def of_bridge(name: str) -> list[Received]:
        return [span for span in traced.receiver.spans if (span.service, span.name) == ("mcp-bridge", name)]

    await traced.receiver.until(lambda: len(of_bridge("tools/call complete_todo_item")) == 1)
    (alone,) = (span for span in of_bridge("tools/call create_todo_list") if span.trace_id != trace_id)
    assert alone.parent_id is None
    await traced.tree(alone.trace_id, once=lambda tree: bool(tree.named("agent", "CONFIRM")))
    assert of_bridge("tools/call complete_todo_item")[0].attributes[conventions.ERROR_TYPE] == conventions.TOOL_ERROR


@pytest.mark.timeout(400)
async def test_two_hundred_turns_and_everything_else_that_was_done_are_whole_traces(traced: Traced) -> None:
    async with AgentClient.connect(traced.stack.url) as client:
        turns = [await client.ask("what are my lists?") for _ in range(TURNS)]
    assert {turn.outcome for turn in turns} == {Outcome.ANSWERED}
    await traced.stop()
    traces = traced.traces()
    assert len({trace_of(turn) for turn in turns} & traces.keys()) == TURNS
    broken = {trace_id: found for trace_id, spans in traces.items() if (found := faults(spans))}
    assert broken == {}
    services = {span.service for span in traced.receiver.spans}
    assert {"page", "signaling", "rtc-gateway", "agent", "todo-store"} <= services
    assert not [body for body in traced.receiver.bodies if CANARY.encode() in body], "a user's word was exported"
    longest = max(traced.receiver.spans, key=lambda span: span.ended_ns - span.began_ns)
    assert longest.ended_ns - longest.began_ns < 60e9, f"{longest.label} is as long as a session"
