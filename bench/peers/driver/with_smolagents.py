"""smolagents' ToolCallingAgent; its guard is a check of the final answer, after which it goes on.

It is synchronous: it runs in a thread of its own, and its tools call back into the loop that the store lives in.
"""

import asyncio

from smolagents import LogLevel, OpenAIModel, ToolCallingAgent
from smolagents import Tool as SmolTool

from bench.peers.driver.desk import INSTRUCTIONS, NUDGE, Desk, Tool, parameters, summary

STEPS_MAX = 10
BOUND_S = 15.0


def _tool(of: Tool, loop: asyncio.AbstractEventLoop) -> SmolTool:
    class Blocking(SmolTool):
        name = of.__name__
        description = summary(of)
        inputs = {argument: {"type": "string", "description": what} for argument, what in parameters(of).items()}  # noqa: RUF012
        output_type = "string"
        skip_forward_signature_validation = True

        def forward(self, **arguments: str) -> str:
            return asyncio.run_coroutine_threadsafe(of(**arguments), loop).result(BOUND_S)

    return Blocking()


class Agent:
    """A ToolCallingAgent."""

    def __init__(self, desk: Desk, model: str, url: str, *, guard: bool) -> None:
        loop = asyncio.get_running_loop()

        def changed(*_: object, **__: object) -> bool:
            if not asyncio.run_coroutine_threadsafe(desk.changed(), loop).result(BOUND_S):
                raise ValueError(NUDGE)
            return True

        self._agent = ToolCallingAgent(
            tools=[_tool(tool, loop) for tool in desk.tools()],
            model=OpenAIModel(model_id=model, api_base=url, api_key="none", temperature=0),
            instructions=INSTRUCTIONS,
            max_steps=STEPS_MAX,
            verbosity_level=LogLevel.OFF,
            final_answer_checks=[changed] if guard else None,
        )

    async def turn(self, request: str) -> str:
        return str(await asyncio.to_thread(self._agent.run, request))
