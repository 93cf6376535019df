"""The highest bucket of a histogram is above the time-out of what it times: what is waited for in vain shows as slow,
not as `+Inf`, of which a quantile knows nothing."""

import annotated_types
import pytest

from agent.settings import Settings
from contracts import metrics
from contracts.instruments import Instrument
from rtc_gateway.requests import RUN_TIMEOUT_S
from todo_store.sessions import POOL_TIMEOUT_S


def longest_of_the_model() -> float:
    (bound,) = (
        limit.le for limit in Settings.model_fields["model_timeout_s"].metadata if isinstance(limit, annotated_types.Le)
    )
    assert isinstance(bound, float | int)
    return bound


@pytest.mark.parametrize(
    ("instrument", "longest_s"),
    [
        (metrics.RPC_ASKED, RUN_TIMEOUT_S),
        (metrics.RPC_SERVED, RUN_TIMEOUT_S),
        (metrics.OPERATION_DURATION, RUN_TIMEOUT_S),
        (metrics.MCP_DURATION, RUN_TIMEOUT_S),
        (metrics.MODEL_DURATION, longest_of_the_model()),
        (metrics.POOL_WAIT, POOL_TIMEOUT_S),
    ],
    ids=lambda value: value.name if isinstance(value, Instrument) else "",
)
def test_the_highest_bucket_is_above_the_time_out(instrument: Instrument, longest_s: float) -> None:
    assert instrument.buckets[-1] > longest_s
