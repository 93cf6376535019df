"""What this service can be told, from the environment."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from runtime.settings import ServiceSettings

URL_SCHEME: Final = "postgresql+asyncpg://"


def _for_asyncpg(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(URL_SCHEME):
        # Without the value: it holds a password.
        raise PydanticCustomError("database_url", "must begin with {scheme}", {"scheme": URL_SCHEME})
    return url


class Settings(ServiceSettings):
    """DATABASE_URL and the bounds of what is kept open towards it."""

    database_url: Annotated[SecretStr, AfterValidator(_for_asyncpg)]
    pool_size: int = Field(default=8, ge=1, le=50, description="connections kept open")
    keep_sentences_days: int = Field(
        default=30, ge=1, le=3650, description="after which what was understood of a turn is no longer kept in words"
    )
    database_wait_s: float = Field(default=90, ge=0, le=600, description="how long `migrate` waits for the database")
    schema_wait_s: float = Field(default=30, gt=0, le=600, description="how long a start waits for the migrated schema")
