"""The settings come from the environment, and a wrong one is refused."""

import pytest
from pydantic import ValidationError

from rtc_gateway.settings import Settings


def test_addresses_stand_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICE_ADDRESSES", "127.0.0.1, fd00::2")
    monkeypatch.setenv("SESSIONS_MAX", "3")
    settings = Settings()
    assert settings.aiortc().ice_addresses == ("127.0.0.1", "fd00::2")
    assert settings.sessions_max == 3


def test_by_default_all_addresses_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICE_ADDRESSES", raising=False)
    assert Settings().aiortc().ice_addresses == ()


def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICE_ADDRESSES", "eth0")
    with pytest.raises(ValidationError, match="ice_addresses"):
        Settings()
