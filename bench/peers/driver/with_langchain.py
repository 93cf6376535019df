"""langchain's create_agent, which is a graph of langgraph; its guards are two pieces of middleware."""

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelRetryMiddleware, hook_config
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI

from bench.peers.driver.desk import DENIAL, INSTRUCTIONS, NUDGE, Desk


class _Changed(AgentMiddleware):
    """Sends the model back once where it ends and nothing has changed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    @hook_config(can_jump_to=["model", "end"])
    async def aafter_model(self, state, runtime):
        messages = state["messages"]
        if messages[-1].tool_calls or await self._desk.changed():
            return None
        if any(isinstance(message, HumanMessage) and message.content == NUDGE for message in messages):
            return {"messages": [AIMessage(DENIAL)], "jump_to": "end"}
        return {"messages": [HumanMessage(NUDGE)], "jump_to": "model"}


class Agent:
    """A graph of langgraph."""

    def __init__(self, desk: Desk, model: str, url: str, *, guard: bool) -> None:
        retrying = ModelRetryMiddleware(max_retries=1, initial_delay=0, on_failure="error")
        self._graph = create_agent(
            ChatOpenAI(model=model, base_url=url, api_key="none", temperature=0),
            tools=[StructuredTool.from_function(coroutine=tool) for tool in desk.tools()],
            system_prompt=INSTRUCTIONS,
            middleware=[_Changed(desk), retrying] if guard else [],
        )

    async def turn(self, request: str) -> str:
        ended = await self._graph.ainvoke({"messages": [HumanMessage(request)]})
        return str(ended["messages"][-1].content)
