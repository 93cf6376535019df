"""openai-agents; its guard is an output guardrail, and running once more when that has tripped."""

from agents import (
    Agent as OpenAiAgent,
)
from agents import (
    GuardrailFunctionOutput,
    ModelRetrySettings,
    ModelSettings,
    OutputGuardrail,
    OutputGuardrailTripwireTriggered,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from openai import AsyncOpenAI

from bench.peers.driver.desk import DENIAL, INSTRUCTIONS, NUDGE, Desk


class Agent:
    """An agent of OpenAI's SDK over chat completions."""

    def __init__(self, desk: Desk, model: str, url: str, *, guard: bool) -> None:
        set_tracing_disabled(True)

        async def changed(*_: object) -> GuardrailFunctionOutput:
            return GuardrailFunctionOutput(output_info=None, tripwire_triggered=not await desk.changed())

        self._agent = OpenAiAgent(
            name="to-do",
            instructions=INSTRUCTIONS,
            tools=[function_tool(tool) for tool in desk.tools()],
            model=OpenAIChatCompletionsModel(model, AsyncOpenAI(base_url=url, api_key="none")),
            model_settings=ModelSettings(
                temperature=0,
                retry=ModelRetrySettings(max_retries=1, policy=lambda _: True) if guard else None,
            ),
            output_guardrails=[OutputGuardrail(guardrail_function=changed)] if guard else [],
        )

    async def turn(self, request: str) -> str:
        for asked in (request, f"{request}\n\n{NUDGE}"):
            try:
                return str((await Runner.run(self._agent, asked)).final_output)
            except OutputGuardrailTripwireTriggered:
                continue
        return DENIAL
