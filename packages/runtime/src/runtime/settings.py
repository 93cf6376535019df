"""The settings that every service has, read from the environment. One frozen object, passed down."""

import os
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from bus.nats_bus import BusSettings
from contracts.permissions import USERS


class ServiceSettings(BaseSettings):
    """Environment variables carry the fields' names in capitals: NATS_URL, HTTP_PORT, ...

    What is not among them is looked for in the folder SECRETS_DIR, in a file of the field's name (`nats_password`), so
    that a container's secrets stand in no list of its environment. An empty variable is none: compose and Kubernetes
    pass one on that was not set as an empty one.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True)

    nats_url: str = Field(default="nats://127.0.0.1:4222", description="of a cluster: several, commas between them")
    nats_user: str | None = Field(default=None, description="the service's own name where not given")
    nats_password: SecretStr = SecretStr("")
    bus_lost_after_s: float = Field(default=60.0, gt=0, description="the bus away for this long ends the process")
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65535, description="health, and the app; 0: any free")
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="GET /metrics for Prometheus; off where not given, 0: any free"
    )
    instance: str = Field(default="", description="names this process in logs and traces")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The given, then the environment, then the files of SECRETS_DIR where that is set."""
        folder = os.environ.get("SECRETS_DIR")
        files = () if not folder else (SecretsSettingsSource(settings_cls, secrets_dir=folder),)
        return init_settings, env_settings, *files

    def bus(self, service: str) -> BusSettings:
        """How `service` reaches the bus. Raises ValueError for a user that no permissions are written for."""
        user = self.nats_user or service
        permissions = next((known for known in USERS if known.user == user), None)
        if permissions is None:
            raise ValueError(f"NATS_USER {user!r} is none of {', '.join(known.user for known in USERS)}")
        return BusSettings(
            url=self.nats_url,
            user=user,
            password=self.nats_password.get_secret_value(),
            inbox_prefix=permissions.inbox_prefix,
            name=f"{service} {self.instance}".strip(),
            lost_after_s=self.bus_lost_after_s,
            needs=permissions,
        )
