"""The gateway's settings, from the environment."""

import ipaddress
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from contracts.limits import CONNECT_TIMEOUT_S, MODEL_REPORT_EVERY_S
from rtc_gateway.addresses import PortRange, Rule, announced_of, check_announced, check_rules, port_range_of, rule_of
from rtc_gateway.aiortc_adapter import AiortcSettings
from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Beside those of every service: ICE_ADDRESSES, ICE_PORTS, ANNOUNCED_ADDRESS, SESSIONS_MAX,
    OWNER_SESSIONS_MAX, CONNECT_TIMEOUT_S, DRAIN_S, AGENTS_SILENT_AFTER_S, LOOK_EVERY_S."""

    ice_addresses: Annotated[tuple[Rule, ...], NoDecode] = Field(
        default=(),
        validate_default=True,
        description="where peers may connect to: addresses, networks and interfaces of this machine, with commas "
        "between; empty: all but loopback",
    )
    ice_ports: Annotated[PortRange | None, NoDecode] = Field(
        default=None, description="the UDP ports of peers, LOW-HIGH, one for each peer and address; empty: any"
    )
    announced_address: ipaddress.IPv4Address | None = Field(
        default=None, description="the public IPv4 address whose ports are ours, where one stands in front of us"
    )
    sessions_max: int = Field(
        default=500, ge=1, validate_default=True, description="beyond these, offers are refused with `capacity`"
    )
    owner_sessions_max: int = Field(default=64, ge=1, description="of one owner, so that nobody takes every place")
    connect_timeout_s: float = Field(default=CONNECT_TIMEOUT_S, gt=0, le=60)
    drain_s: float = Field(default=5.0, ge=0, le=30, description="how long pages have to connect elsewhere")
    agents_silent_after_s: float = Field(
        default=3 * MODEL_REPORT_EVERY_S, gt=0, le=300, description="an agent that says nothing for so long is gone"
    )
    look_every_s: float = Field(
        default=20.0, gt=0, le=300, description="how often, for each owner, is looked for changes that nobody told of"
    )

    @field_validator("ice_addresses", mode="before")
    @classmethod
    def _rules(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(rule_of(part.strip()) for part in value.split(",") if part.strip())

    @field_validator("ice_ports", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return port_range_of(value) if value.strip() else None

    @field_validator("announced_address", mode="before")
    @classmethod
    def _announced(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return announced_of(value) if value.strip() else None

    @field_validator("ice_addresses")
    @classmethod
    def _leaves_an_address(cls, value: tuple[Rule, ...]) -> tuple[Rule, ...]:
        check_rules(value)
        return value

    @field_validator("announced_address")
    @classmethod
    def _stands_for_one(
        cls, value: ipaddress.IPv4Address | None, others: ValidationInfo
    ) -> ipaddress.IPv4Address | None:
        if value is not None:
            check_announced(value, others.data.get("ice_addresses", ()))
        return value

    @field_validator("sessions_max")
    @classmethod
    def _has_a_port_each(cls, value: int, others: ValidationInfo) -> int:
        ports: PortRange | None = others.data.get("ice_ports")
        if ports is not None and value > len(ports):
            raise ValueError(f"{value} is more than ICE_PORTS {ports} has ports; widen that or lower this")
        return value

    def aiortc(self) -> AiortcSettings:
        return AiortcSettings(
            addresses=self.ice_addresses,
            ports=self.ice_ports,
            announced=self.announced_address,
            connect_timeout_s=self.connect_timeout_s,
        )
