"""What becomes of spans in a process that exports nothing."""

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from runtime.telemetry import UnrecordedTraces

TRACER = UnrecordedTraces().get_tracer("test")


def test_a_trace_begins_where_there_is_none_and_says_that_the_next_may_record_it() -> None:
    with TRACER.start_as_current_span("first") as span:
        begun = span.get_span_context()
        assert begun.is_valid
        assert begun.trace_flags.sampled
        assert not span.is_recording()
        assert trace.get_current_span().get_span_context() == begun
    assert not trace.get_current_span().get_span_context().is_valid


def test_two_traces_have_ids_of_their_own() -> None:
    ids = {TRACER.start_span("first").get_span_context().trace_id for _ in range(2)}
    assert len(ids) == 2


def test_a_trace_goes_on_under_the_parent_that_it_came_with() -> None:
    parent = SpanContext(7, 9, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    came_with = trace.set_span_in_context(NonRecordingSpan(parent))
    with TRACER.start_as_current_span("outer", came_with), TRACER.start_as_current_span("inner") as inner:
        assert inner.get_span_context() == parent


def test_a_parent_that_is_not_to_be_recorded_stays_so() -> None:
    parent = SpanContext(7, 9, is_remote=True, trace_flags=TraceFlags(0))
    span = TRACER.start_span("inner", trace.set_span_in_context(NonRecordingSpan(parent)))
    assert not span.get_span_context().trace_flags.sampled
