"""The loop that everybody writes first: ask, call the tools that are asked for, ask again, until there is only text."""

import json

from openai import AsyncOpenAI

from bench.peers.driver.desk import DENIAL, INSTRUCTIONS, NUDGE, Desk, parameters, summary

TURNS_MAX = 10


class Agent:
    """A ReAct loop on the openai client."""

    def __init__(self, desk: Desk, model: str, url: str, *, guard: bool) -> None:
        self._client = AsyncOpenAI(base_url=url, api_key="none")
        self._desk = desk
        self._model = model
        self._guard = guard
        self._tools = {tool.__name__: tool for tool in desk.tools()}
        self._schemas = [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": summary(tool),
                    "parameters": {
                        "type": "object",
                        "properties": {
                            argument: {"type": "string", "description": what}
                            for argument, what in parameters(tool).items()
                        },
                        "required": list(parameters(tool)),
                    },
                },
            }
            for name, tool in self._tools.items()
        ]

    async def turn(self, request: str) -> str:
        messages = [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": request}]
        nudged = False
        for _ in range(TURNS_MAX):
            completion = await self._client.chat.completions.create(
                model=self._model, messages=messages, tools=self._schemas, temperature=0
            )
            message = completion.choices[0].message
            messages.append(message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))
            for call in message.tool_calls or ():
                answer = await self._tools[call.function.name](**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": answer})
            if message.tool_calls:
                continue
            if not self._guard or await self._desk.changed():
                return message.content or ""
            if nudged:
                return DENIAL
            nudged = True
            messages.append({"role": "user", "content": NUDGE})
        raise RuntimeError(f"no end after {TURNS_MAX} answers")
