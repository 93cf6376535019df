"""The agent's settings, read from the environment."""

from pydantic import Field, SecretStr

from contracts.limits import MODEL_REPORT_EVERY_S
from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """MODEL_URL, MODEL_NAME, ... beside what every service has."""

    model_url: str = Field(default="http://localhost:1234", description="LM Studio, without the /v1")
    model_name: str | None = Field(default=None, description="the first that the server lists where not given")
    model_api_key: SecretStr | None = None
    model_timeout_s: float = Field(default=120.0, gt=0, le=600)
    model_look_every_s: float = Field(
        default=10.0, gt=0, le=300, description="how often its server's list is looked at"
    )
    model_report_every_s: float = Field(
        default=MODEL_REPORT_EVERY_S, gt=0, le=60, description="how often gateways are told whether it can be asked"
    )
    sweep_every_s: float = Field(default=60.0, gt=0, le=3600, description="how often lost turns are looked for")
    sweep_older_than_s: float = Field(default=120.0, ge=0, le=3600, description="younger turns are not taken for lost")
    model_slots: int = Field(default=4, ge=1, le=32, description="requests to the model at once; LM Studio serves 4")
