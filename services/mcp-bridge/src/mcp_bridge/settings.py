"""What the bridge reads from the environment."""

from pathlib import Path

from pydantic import Field

from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Every name in capitals is an environment variable: STACK_FILE, NATS_URL, ...

    With STACK_FILE the bus is found where a stack on this machine says in it, and looked for again when it is lost;
    then NATS_URL and NATS_PASSWORD mean nothing.
    """

    stack_file: Path | None = Field(default=None, description="written by a running stack for its owner alone")
    local_owner: str = Field(default="me", min_length=1, max_length=200, description="whose lists, without STACK_FILE")
