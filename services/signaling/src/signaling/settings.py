"""What signaling reads from the environment."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from runtime.settings import ServiceSettings

Names = Annotated[tuple[str, ...], NoDecode]
"""In the environment: separated by commas."""


class Settings(ServiceSettings):
    """Every name in capitals is an environment variable: PAGE_DIR, TURN_URLS, ...

    Whoever reaches this process is `local_owner`: it asks for no token. So it listens on loopback only, and answers
    only to `allowed_hosts`, since a page of a stranger can point a name of its own at 127.0.0.1 (DNS rebinding).
    """

    page_dir: Path = Field(default=Path("web/dist"), description="the built page")
    local_owner: str = Field(default="me", min_length=1, max_length=200)
    allowed_hosts: Names = ("localhost", "127.0.0.1", "[::1]")
    allowed_origins: Names = Field(default=(), description="beside the server's own, e.g. https://todo.example")
    max_sockets: int = Field(default=1000, ge=1)
    hello_timeout_s: float = Field(default=10.0, gt=0)
    offer_timeout_s: float = Field(default=5.0, gt=0, description="a gateway answers in milliseconds")
    candidate_timeout_s: float = Field(default=2.0, gt=0)
    stun_urls: Names = Field(default=(), max_length=4)
    turn_urls: Names = Field(default=(), max_length=4, description="each costs a browser one allocation a network")
    turn_secret: SecretStr | None = Field(
        default=None, validate_default=True, description="coturn's static-auth-secret"
    )
    turn_ttl_s: int = Field(default=600, ge=60, le=86_400)

    @field_validator("allowed_hosts", "allowed_origins", "stun_urls", "turn_urls", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("http_host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        if not _is_loopback(host):
            raise PydanticCustomError(
                "beyond_loopback",
                "is {host}, which others can reach, and this version has no authentication; use 127.0.0.1",
                {"host": host},
            )
        return host

    @field_validator("stun_urls", "turn_urls")
    @classmethod
    def _ice_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if url.partition(":")[0] not in {"stun", "stuns", "turn", "turns"}:
                raise PydanticCustomError(
                    "ice_url", "has {url}, which begins with none of stun:, stuns:, turn:, turns:", {"url": url}
                )
        return urls

    @field_validator("turn_secret")
    @classmethod
    def _turn_is_whole(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if bool(secret) != bool(info.data.get("turn_urls")):
            raise PydanticCustomError("half_turn", "goes with TURN_URLS; give both or neither")
        return secret


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
