"""What the ruler noted becomes the figures that are shown, on readings made by hand."""

import pytest
from bench.rivals.contenders import Contender, waited
from bench.rivals.environment import PACKAGES
from bench.rivals.gone_servers import Noticed
from bench.rivals.ruler import Reading, Told

GONE_MS = 10_000.0
CONTENDER = Contender("ours", "http://127.0.0.1/", 1, connected="connected", lost=frozenset({"reconnecting"}))


def page(*told: Told, anew_ms: float | None = None) -> Reading:
    """One that connected before the server went."""
    made = ((1_000.0, 1_050.0), *(() if anew_ms is None else ((anew_ms, None),)))
    return Reading(made, (Told(1_060.0, "application", "connected"), *told))


def test_the_connect_time_is_from_the_first_peer_connection_to_its_channel() -> None:
    assert page(anew_ms=9_000).connected_ms == 50.0
    with pytest.raises(ValueError, match="did not open"):
        _ = Reading(((1_000.0, None), (2_000.0, 2_050.0)), ()).connected_ms


def test_only_what_was_said_after_the_server_went_counts() -> None:
    early = (Told(9_000, "application", "reconnecting"), Told(9_100, "browser", "disconnected"))
    late = (Told(15_000, "browser", "disconnected"), Told(18_000, "application", "reconnecting"))
    noticed = Noticed(CONTENDER, [page(*early, *late, anew_ms=19_000)] * 3, GONE_MS)
    assert noticed.row("killed") == ("ours, killed", "5.0 (5.0)", "9.0 (9.0)", "8.0 (8.0)")


def test_what_was_never_noticed_is_said_to_have_taken_longer_than_was_waited() -> None:
    noticed = Noticed(CONTENDER, [page(), page(), page(Told(12_000, "application", "reconnecting"))], GONE_MS)
    assert noticed.row("stopped")[1:] == ("over 30 (over 30)", "over 30 (over 30)", "over 30 (over 30)")
    assert waited([1.0, 2.0, 60.0], 60.0) == "2.0 (over 60)"


def test_a_page_without_a_client_has_only_the_browsers_word() -> None:
    bare = Contender("bare", "http://127.0.0.1/", 1)
    noticed = Noticed(bare, [page(Told(16_000, "browser", "failed"))], GONE_MS)
    assert noticed.row("killed") == ("bare, killed", "6.0 (6.0)", "", "")


def test_the_rival_is_the_version_that_is_named() -> None:
    assert PACKAGES.versions()["pipecat-ai"] == "1.14.0"
