"""What signaling reads from the environment."""

import ipaddress
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from access.exposure import ADVICE, is_loopback
from access.settings import AccessSettings, secured_by
from runtime.settings import ServiceSettings
from signaling.client_address import Network
from signaling.crowd import Bounds, Rate

Names = Annotated[tuple[str, ...], NoDecode]
"""In the environment: separated by commas."""
Networks = Annotated[tuple[Network, ...], NoDecode]

TURN_SECRETS_MAX: Final = 4
_NAMES: Final = ("allowed_hosts", "allowed_origins", "stun_urls", "turn_urls")


class Settings(ServiceSettings, AccessSettings):
    """Every name in capitals is an environment variable: PAGE_DIR, TURN_URLS, ...

    Without AUTH_SECRET or AUTH_JWKS_URL, whoever reaches this process is `local_owner`. So it listens on loopback
    only, and answers only to names of this machine, since a page of a stranger can point a name of its own at 127.0.0.1
    (DNS rebinding). The bounds by address and owner hold where tokens are asked for: all others are one person.
    """

    page_dir: Path = Field(default=Path("web/dist"), description="the built page")
    local_owner: str = Field(default="me", min_length=1, max_length=200)
    allowed_hosts: Names = Field(
        default=("localhost", "127.0.0.1", "[::1]"), description="* for any, where tokens are asked for"
    )
    allowed_origins: Names = Field(default=(), description="beside the server's own, e.g. https://todo.example")
    trusted_proxies: Networks = Field(
        default=(), max_length=64, description="addresses or networks whose X-Forwarded-For is believed"
    )
    max_sockets: int = Field(default=1000, ge=1)
    max_sockets_per_address: int = Field(default=256, ge=1)
    max_sockets_per_owner: int = Field(default=64, ge=1)
    hellos_per_address: int = Field(default=100, ge=1, description="at once")
    hellos_per_address_per_s: float = Field(default=10.0, gt=0, description="in the long run")
    refusals_per_address: int = Field(default=20, ge=1, description="of tokens, at once")
    refusals_per_address_per_s: float = Field(default=0.2, gt=0, description="in the long run")
    hellos_per_owner: int = Field(default=60, ge=1, description="at once")
    hellos_per_owner_per_s: float = Field(default=0.5, gt=0, description="in the long run")
    addresses_max: int = Field(default=10_000, ge=1, description="remembered, and owners")
    hello_timeout_s: float = Field(default=10.0, gt=0)
    enter_timeout_s: float = Field(default=8.0, gt=0, description="from the hello to its answer")
    offer_timeout_s: float = Field(default=5.0, gt=0, description="a gateway answers in milliseconds")
    candidate_timeout_s: float = Field(default=2.0, gt=0)
    stun_urls: Names = Field(default=(), max_length=4)
    turn_urls: Names = Field(default=(), max_length=4, description="each costs a browser one allocation a network")
    turn_secret: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="coturn's static-auth-secret; several with commas between, newest first",
    )
    turn_ttl_s: int = Field(default=600, ge=60, le=86_400)

    @field_validator(*_NAMES, mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _own_names(cls, hosts: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for host in hosts:
            if "*" in host.removeprefix("*." if host != "*" else "*"):
                raise PydanticCustomError(
                    "pattern", "has {host}; a * stands alone, or in front as in *.todo.example", {"host": host}
                )
        if not secured_by(info):
            _require_loopback(hosts, hosts)
        return hosts

    @field_validator("allowed_origins")
    @classmethod
    def _own_origins(cls, origins: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if not secured_by(info):
            _require_loopback(origins, tuple(_host_of(origin) for origin in origins))
        return origins

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        return tuple(map(_network, _parts(value))) if isinstance(value, str) else value

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
        secrets = _secrets(secret)
        if bool(secrets) != bool(info.data.get("turn_urls")):
            raise PydanticCustomError("half_turn", "goes with TURN_URLS; give both or neither")
        if len(secrets) > TURN_SECRETS_MAX:
            raise PydanticCustomError(
                "many_secrets",
                "holds {count} secrets; give at most {most}",
                {"count": len(secrets), "most": TURN_SECRETS_MAX},
            )
        return secret if secrets else None

    @property
    def newest_turn_secret(self) -> str:
        """What credentials are made by. Empty without TURN."""
        return next(iter(_secrets(self.turn_secret)), "")

    @property
    def bounds(self) -> Bounds | None:
        """None where nobody is asked for a token: then all are one person, on one machine."""
        if not self.secured:
            return None
        return Bounds(
            sockets_per_address=self.max_sockets_per_address,
            sockets_per_owner=self.max_sockets_per_owner,
            hellos_per_address=Rate(self.hellos_per_address, self.hellos_per_address_per_s),
            refusals_per_address=Rate(self.refusals_per_address, self.refusals_per_address_per_s),
            hellos_per_owner=Rate(self.hellos_per_owner, self.hellos_per_owner_per_s),
            known_max=self.addresses_max,
        )


def _require_loopback(given: tuple[str, ...], hosts: tuple[str, ...]) -> None:
    for value, host in zip(given, hosts, strict=True):
        if not is_loopback(host):
            raise PydanticCustomError(
                "exposed",
                "has {value}, which is not this machine's own, and nobody is asked for a token; {advice}, or remove it",
                {"value": value, "advice": ADVICE},
            )


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise PydanticCustomError(
            "not_a_network", "has {value}, which is no address and no network such as 10.0.0.0/8", {"value": text}
        ) from None


def _secrets(secret: SecretStr | None) -> tuple[str, ...]:
    return () if secret is None else _parts(secret.get_secret_value())


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
