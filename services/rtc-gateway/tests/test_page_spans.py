"""Whose spans there are of what a page asks, and whose word counts for what."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler
from opentelemetry.trace import SpanKind

from contracts.channel import StateGet, TurnStart
from rtc_gateway import page_spans
from rtc_gateway.page_spans import receiving
from runtime import callers

TRACE, PARENT = "ab" * 16, "cd" * 8


def turn(*, flags: str = "01", sent_at: datetime | None = None, traceparent: str | None = "") -> TurnStart:
    given = f"00-{TRACE}-{PARENT}-{flags}" if traceparent == "" else traceparent
    return TurnStart(id="m1", turn_id="t1", text="add milk", sent_at=sent_at, traceparent=given)


class Recorded:
    """The spans of a gateway, and of the pages that it wrote down."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, sampler: Sampler | None = None) -> None:
        self._memory = InMemorySpanExporter()
        processor = SimpleSpanProcessor(self._memory)
        ours = TracerProvider(sampler, Resource({"service.name": "rtc-gateway"}), shutdown_on_exit=False)
        pages = TracerProvider(
            sampler, Resource({"service.name": "page"}), shutdown_on_exit=False, id_generator=callers.GivenIds()
        )
        ours.add_span_processor(processor)
        pages.add_span_processor(processor)
        monkeypatch.setattr(page_spans, "_TRACER", ours.get_tracer("test"))
        callers.record_by(pages)

    def spans(self) -> dict[str, ReadableSpan]:
        found = self._memory.get_finished_spans()
        by_service = {str(span.resource.attributes["service.name"]): span for span in found}
        assert len(by_service) == len(found)
        return by_service


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    yield Recorded(monkeypatch)
    callers.record_by(None)


def ids(span: ReadableSpan) -> tuple[str, str]:
    assert span.context is not None
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def test_the_pages_span_has_the_pages_ids_and_is_the_root_above_ours(recorded: Recorded) -> None:
    with receiving(turn(), "turn.start"):
        pass
    page, ours = recorded.spans()["page"], recorded.spans()["rtc-gateway"]
    assert ids(page) == (TRACE, PARENT)
    assert page.parent is None
    assert page.kind is SpanKind.CLIENT
    assert ours.parent is not None
    assert ours.parent.span_id == int(PARENT, 16)
    assert ours.kind is SpanKind.SERVER


def test_a_strangers_flag_decides_nothing(recorded: Recorded) -> None:
    with receiving(turn(flags="00"), "turn.start"):
        pass
    assert set(recorded.spans()) == {"page", "rtc-gateway"}


def test_a_trace_that_we_do_not_record_is_not_recorded_whatever_its_flag_says(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded(monkeypatch, ParentBased(ALWAYS_OFF))
    try:
        with receiving(turn(flags="01"), "turn.start") as received:
            context = received.span.get_span_context()
    finally:
        callers.record_by(None)
    assert recorded.spans() == {}
    assert f"{context.trace_id:032x}" == TRACE, "it goes on under its id all the same"
    assert not context.trace_flags.sampled, "so nobody behind us records a part of it"


@pytest.mark.parametrize(("ago_s", "believed"), [(2, True), (3600, False), (-3600, False)])
def test_when_it_was_sent_is_believed_within_a_minute(recorded: Recorded, ago_s: int, *, believed: bool) -> None:
    before = time.time_ns()
    with receiving(turn(sent_at=datetime.now(UTC) - timedelta(seconds=ago_s)), "turn.start"):
        pass
    began = recorded.spans()["page"].start_time
    assert began is not None
    assert (began < before) is believed
    assert began <= time.time_ns()


def test_a_turn_that_was_known_is_not_written_down_twice(recorded: Recorded) -> None:
    with receiving(turn(), "turn.start") as received:
        received.again()
    assert set(recorded.spans()) == {"rtc-gateway"}


def test_what_has_no_trace_begins_one_with_us(recorded: Recorded) -> None:
    with receiving(turn(traceparent=None), "turn.start"):
        pass
    assert recorded.spans()["rtc-gateway"].parent is None


@pytest.mark.parametrize("zeros", [f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01"])
def test_ids_of_nothing_but_zeros_are_none(recorded: Recorded, zeros: str) -> None:
    with receiving(turn(traceparent=zeros), "turn.start"):
        pass
    assert set(recorded.spans()) == {"rtc-gateway"}
    assert recorded.spans()["rtc-gateway"].parent is None


@pytest.mark.parametrize(("asks_again", "written"), [(True, {"rtc-gateway"}), (False, {"page", "rtc-gateway"})])
def test_a_page_that_left_without_an_answer_is_written_down_when_it_asks_again(
    recorded: Recorded, written: set[str], *, asks_again: bool
) -> None:
    message = StateGet(id="m1", traceparent=f"00-{TRACE}-{PARENT}-01") if asks_again else turn()
    with pytest.raises(asyncio.CancelledError), receiving(message, "x"):
        raise asyncio.CancelledError
    assert set(recorded.spans()) == written
