"""What the checker of traces finds: each way in which a trace can be broken, by a trace that is whole but for that."""

from dataclasses import replace

import pytest

from contracts import conventions

from .trees import Received, Tree, Value, faults

MS = 1_000_000


def span(number: int, parent: int | None, service: str, name: str, kind: str, **attributes: Value) -> Received:
    resource: dict[str, Value] = {
        conventions.SERVICE_NAME: service,
        conventions.SERVICE_NAMESPACE: conventions.NAMESPACE,
        conventions.SERVICE_INSTANCE_ID: f"{service}-1",
        conventions.SERVICE_VERSION: "1",
    }
    return Received(
        trace_id="ab" * 16,
        span_id=f"{number:016x}",
        parent_id=None if parent is None else f"{parent:016x}",
        name=name,
        kind=kind,
        resource=resource,
        attributes=attributes,
        began_ns=number * MS,
        ended_ns=number * MS + 100 * MS,
    )


ROOT = span(1, None, "page", "turn.start", "CLIENT")
SERVER = span(2, 1, "rtc-gateway", "turn.start", "SERVER")
SENT = span(3, 2, "rtc-gateway", "send x", "PRODUCER")
TAKEN = span(4, 3, "agent", "process x", "CONSUMER")
STEP = span(5, 4, "agent", "PLAN", "INTERNAL")
CALL = span(6, 5, "agent", "rpc.x", "CLIENT")
WHOLE = (ROOT, SERVER, SENT, TAKEN, STEP, CALL)


def but(changed: Received) -> tuple[Received, ...]:
    """The whole trace, with one of its spans otherwise."""
    return tuple(changed if one.span_id == changed.span_id else one for one in WHOLE)


def test_a_whole_trace_has_no_fault_in_whatever_order_its_spans_came() -> None:
    assert faults(WHOLE) == []
    assert faults(reversed(WHOLE)) == []


def test_what_is_told_again_is_linked_and_a_stranger_may_ask_without_a_trace() -> None:
    assert faults([replace(TAKEN, parent_id=None, links=(("ab" * 16, "1" * 16),))]) == []
    assert faults([replace(SERVER, parent_id=None)]) == []


def test_the_page_knows_no_version() -> None:
    bare = {conventions.SERVICE_NAME: conventions.PAGE}
    assert faults(but(replace(ROOT, resource=bare))) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ((), "one root is wanted, found []"),
        (WHOLE[1:], "rtc-gateway: turn.start has lost its parent"),
        (WHOLE[1:], "one root is wanted, found []"),
        ((*WHOLE[:3], *WHOLE[4:]), "agent: PLAN has lost its parent"),
        (but(replace(STEP, parent_id=None)), "one root is wanted, found ['agent: PLAN', 'page: turn.start']"),
        ((replace(TAKEN, parent_id=None),), "agent: process x does not know who sent it"),
        (
            (replace(SERVER, parent_id=None, attributes={conventions.RPC_SYSTEM_NAME: conventions.NATS}),),
            "rtc-gateway: turn.start does not know who sent it",
        ),
        ((*WHOLE, replace(ROOT)), "page: turn.start came twice"),
        (but(replace(STEP, trace_id="cd" * 16)), "these are not the spans of one trace"),
        (
            but(replace(TAKEN, kind="SERVER")),
            "agent: process x is SERVER, but below rtc-gateway: send x",
        ),
        (
            but(replace(SENT, kind="CLIENT")),
            "agent: process x is CONSUMER, but below rtc-gateway: send x",
        ),
        (but(replace(TAKEN, kind="INTERNAL")), "agent: process x is INTERNAL, but its parent is of another process"),
        (but(replace(CALL, kind="UNSPECIFIED")), "agent: rpc.x has no kind"),
        (but(replace(CALL, began_ns=STEP.began_ns - 50 * MS)), "agent: rpc.x began before agent: PLAN"),
        (but(replace(CALL, ended_ns=0)), "agent: rpc.x ended before it began"),
        (but(replace(CALL, attributes={"user.text": "milk"})), "agent: rpc.x carries user.text"),
        (but(replace(CALL, resource={conventions.SERVICE_NAME: "agent"})), "agent: rpc.x does not say its"),
        (but(replace(CALL, said=("it broke", ""))), "agent: rpc.x has words in its status"),
        (but(replace(CALL, failed=True)), "agent: rpc.x: an error has a type"),
        (but(replace(CALL, attributes={conventions.ERROR_TYPE: "timeout"})), "agent: rpc.x: an error has a type"),
    ],
)
def test_what_is_wrong_is_said(broken: tuple[Received, ...], said: str) -> None:
    assert [fault for fault in faults(broken) if fault.startswith(said)], faults(broken)


def test_a_span_is_found_by_its_path() -> None:
    tree = Tree(WHOLE)
    assert tree.path(STEP) == [
        *("page: turn.start", "rtc-gateway: turn.start", "rtc-gateway: send x", "agent: process x", "agent: PLAN")
    ]
    assert tree.below(TAKEN) == [STEP, CALL]
    assert tree.named("agent", "PLAN") == [STEP]
