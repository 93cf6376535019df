"""The gateway's settings, from the environment."""

import ipaddress
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from contracts.limits import CONNECT_TIMEOUT_S
from rtc_gateway.aiortc_adapter import AiortcSettings
from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Beside those of every service: ICE_ADDRESSES, SESSIONS_MAX, CONNECT_TIMEOUT_S, DRAIN_S, LOOK_EVERY_S."""

    ice_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="the local addresses that peers may connect to, with commas between; empty: all"
    )
    sessions_max: int = Field(default=500, ge=1, description="beyond these, offers are refused with `capacity`")
    owner_sessions_max: int = Field(default=64, ge=1, description="of one owner, so that nobody takes every place")
    connect_timeout_s: float = Field(default=CONNECT_TIMEOUT_S, gt=0, le=60)
    drain_s: float = Field(default=5.0, ge=0, le=30, description="how long pages have to connect elsewhere")

    look_every_s: float = Field(
        default=20.0, gt=0, le=300, description="how often, for each owner, is looked for changes that nobody told of"
    )

    @field_validator("ice_addresses", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())

    @field_validator("ice_addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            ipaddress.ip_address(address)
        return value

    def aiortc(self) -> AiortcSettings:
        return AiortcSettings(ice_addresses=self.ice_addresses, connect_timeout_s=self.connect_timeout_s)
