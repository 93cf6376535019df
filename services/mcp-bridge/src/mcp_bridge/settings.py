"""What the bridge reads from the environment."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

from access.exposure import ADVICE, is_loopback
from access.settings import AccessSettings, secured_by
from runtime.settings import ServiceSettings

Names = Annotated[tuple[str, ...], NoDecode]
"""In the environment: separated by commas."""


class Settings(ServiceSettings, AccessSettings):
    """Every name in capitals is an environment variable: STACK_FILE, NATS_URL, ALLOWED_HOSTS, ...

    With STACK_FILE the bus is found where a stack on this machine says in it, and looked for again when it is lost;
    then NATS_URL and NATS_PASSWORD mean nothing. All that is about access is for serving HTTP: whoever has the
    bridge's stdin has it from the user of this machine.
    """

    stack_file: Path | None = Field(default=None, description="written by a running stack for its owner alone")
    local_owner: str | None = Field(
        default=None, min_length=1, max_length=200, description="whose lists, where no token tells; the stack's owner"
    )
    allowed_hosts: Names = Field(
        default=("localhost", "127.0.0.1", "[::1]"), description="* for any, where tokens are asked for"
    )
    allowed_origins: Names = Field(default=(), description="of pages beside those of this machine")
    public_url: str | None = Field(
        default=None, max_length=1000, description="of the endpoint, as clients call it; for signing in by OAuth"
    )

    todo_agent_token: SecretStr | None = Field(default=None, description="for passing on to a bridge elsewhere")
    todo_agent_token_file: Path | None = Field(default=None, description="holds it instead; read for each message")

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allowed_hosts", "allowed_origins")
    @classmethod
    def _own_names(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            host = urlsplit(name).hostname or "" if "://" in name else name
            if not secured_by(info) and not is_loopback(host):
                raise PydanticCustomError(
                    "exposed",
                    "has {name}, which is not this machine's own, and nobody is asked for a token; {advice}, or remove "
                    "it",
                    {"name": name, "advice": ADVICE},
                )
        return names

    def token(self) -> str | None:
        """The token for a bridge elsewhere, as it is now. Raises OSError where its file cannot be read."""
        if self.todo_agent_token_file is not None:
            return self.todo_agent_token_file.read_text(encoding="ascii", errors="replace").strip()
        return None if self.todo_agent_token is None else self.todo_agent_token.get_secret_value().strip()
