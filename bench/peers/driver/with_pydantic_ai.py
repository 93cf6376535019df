"""pydantic-ai, with one retry; its guard is an output validator that raises ModelRetry."""

from pydantic_ai import Agent as PydanticAgent
from pydantic_ai import ModelRetry
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from bench.peers.driver.desk import INSTRUCTIONS, NUDGE, Desk


class Agent:
    """A pydantic-ai agent."""

    def __init__(self, desk: Desk, model: str, url: str, *, guard: bool) -> None:
        self._agent = PydanticAgent(
            OpenAIChatModel(model, provider=OpenAIProvider(base_url=url, api_key="none")),
            instructions=INSTRUCTIONS,
            tools=desk.tools(),
            retries=1,
            model_settings={"temperature": 0},
        )
        if guard:

            @self._agent.output_validator
            async def _changed(output: str) -> str:
                if not await desk.changed():
                    raise ModelRetry(NUDGE)
                return output

    async def turn(self, request: str) -> str:
        return (await self._agent.run(request)).output
