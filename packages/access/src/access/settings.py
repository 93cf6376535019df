"""What any service that takes access tokens reads from the environment, and how it comes to its verifier."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from access.exposure import exposed, is_loopback
from access.interface import Expected, Verifier

# PyJWT and httpx take a quarter of a second to import, and most stacks on a laptop ask for no token.
if TYPE_CHECKING:
    from access.remote_keys import RemoteKeys
    from access.shared_secret import SharedSecrets

LOCAL_ISSUER: Final = "local"
"""Who names the owners of tokens by a shared secret, and the one owner of a stack that asks for none."""
AUDIENCE: Final = "todo-agent"


class AccessSettings(BaseSettings):
    """To be inherited from beside a service's own settings, and behind them, so that these are read first.

    Tokens are asked for when AUTH_SECRET or AUTH_JWKS_URL is set. Without either, HTTP_HOST is a loopback address, or
    PUBLISHED_ON says that a container's port is.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    auth_secret: SecretStr | None = Field(default=None, description="several with commas between, newest first")
    auth_jwks_url: str | None = Field(default=None, max_length=2000, description="the key set of a provider")
    auth_issuer: str | None = Field(
        default=None, max_length=1000, validate_default=True, description=f"{LOCAL_ISSUER} for a shared secret"
    )
    auth_audience: str | None = Field(
        default=None, max_length=1000, validate_default=True, description=f"{AUDIENCE} for a shared secret"
    )
    published_on: str | None = Field(default=None, max_length=200, description="as compose has it under `ports`")

    @field_validator("auth_secret", "auth_jwks_url", "auth_issuer", "auth_audience", "published_on", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """Compose and Kubernetes pass a variable on that was not set as an empty one."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("auth_secret")
    @classmethod
    def _secrets(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None:
            from access.shared_secret import UnusableSecretError, secrets_of  # noqa: PLC0415

            try:
                secrets_of(secret.get_secret_value())
            except UnusableSecretError as error:
                raise PydanticCustomError("unusable_secret", "{what}", {"what": str(error)}) from None
        return secret

    @field_validator("auth_jwks_url")
    @classmethod
    def _jwks_url(cls, url: str | None, info: ValidationInfo) -> str | None:
        if url is None:
            return None
        if info.data.get("auth_secret") is not None:
            raise PydanticCustomError("two_kinds", "and AUTH_SECRET exclude each other; give one of them", {})
        if not _is_safe(url):
            raise PydanticCustomError(
                "unsafe_url", "is {url}, where others could put keys of theirs; give an https:// URL", {"url": url}
            )
        return url

    @field_validator("auth_issuer", "auth_audience")
    @classmethod
    def _named(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("auth_jwks_url") is not None:
            # A provider signs for many: without its name and ours, a token for anything else would do.
            raise PydanticCustomError("unnamed", "goes with AUTH_JWKS_URL; give what the provider puts there", {})
        if value is not None and not value.isprintable():
            raise PydanticCustomError("unprintable", "holds a character that cannot be printed; remove it", {})
        return value

    @field_validator("http_host", check_fields=False)
    @classmethod
    def _not_exposed(cls, host: str, info: ValidationInfo) -> str:
        if not secured_by(info):
            why = exposed(host, info.data.get("published_on"))
            if why is not None:
                raise PydanticCustomError("exposed", "{why}", {"why": why})
        return host

    @property
    def secured(self) -> bool:
        """Whether tokens are asked for."""
        return self.auth_secret is not None or self.auth_jwks_url is not None

    @property
    def expected(self) -> Expected:
        return Expected(self.auth_issuer or LOCAL_ISSUER, self.auth_audience or AUDIENCE)

    @property
    def shared_secrets(self) -> "SharedSecrets | None":
        """What tokens are made and checked by, where that is a shared secret."""
        if self.auth_secret is None:
            return None
        from access.shared_secret import SharedSecrets, secrets_of  # noqa: PLC0415

        return SharedSecrets(secrets_of(self.auth_secret.get_secret_value()), self.expected)


@dataclass(frozen=True)
class Door:
    """`verifier` is None where nobody is asked for a token. `keys` are those of a provider."""

    verifier: Verifier | None = None
    keys: "RemoteKeys | None" = None

    @property
    def lacks(self) -> str | None:
        """For readiness: `auth_keys` while no token can be proven, since no keys could be fetched yet."""
        return None if self.keys is None else self.keys.lacks


@asynccontextmanager
async def door(settings: AccessSettings) -> AsyncIterator[Door]:
    """What the settings ask for, for the length of the block."""
    if settings.auth_jwks_url is None:
        yield Door(settings.shared_secrets)
        return
    from access.remote_keys import RemoteKeys, RemoteKeysVerifier  # noqa: PLC0415

    async with RemoteKeys.fetched(settings.auth_jwks_url) as keys:
        yield Door(RemoteKeysVerifier(keys, settings.expected), keys)


def secured_by(info: ValidationInfo) -> bool:
    """Whether the settings that are being validated ask for tokens: for the validators of those that follow."""
    return info.data.get("auth_secret") is not None or info.data.get("auth_jwks_url") is not None


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    if (
        not host
        or parts.username is not None
        or not url.isascii()
        or any(c.isspace() or not c.isprintable() for c in url)
    ):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
