"""A page knows whether the model can be asked: as it is found by the agents, and by nobody while there are none."""

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from client import AgentClient
from client.feed import Feed
from contracts.channel import GatewayMessage
from contracts.model_status import ModelState, ModelStatus
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_S = 40.0
OFTEN = {"MODEL_LOOK_EVERY_S": "1", "MODEL_REPORT_EVERY_S": "1", "AGENTS_SILENT_AFTER_S": "3"}


@pytest.fixture
async def own_stack() -> AsyncIterator[RunningStack]:
    """A stack that may be hurt, and looks often."""
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin", "--scale", "agent=2,rtc-gateway=2", environ=OFTEN) as running:
            yield running


def processes(stack: RunningStack, service: str) -> list[psutil.Process]:
    """Those that run a module of this name."""
    return [process for process in psutil.Process(stack.pid).children() if process.cmdline()[1:3] == ["-m", service]]


async def until(messages: Feed[GatewayMessage], state: ModelState) -> ModelStatus:
    async with asyncio.timeout(BOUND_S):
        async for message in messages:
            if isinstance(message, ModelStatus) and message.state is state:
                return message
    raise AssertionError


async def test_a_page_is_told_when_the_model_or_every_agent_is_away_and_when_they_are_back(
    own_stack: RunningStack,
) -> None:
    async with AgentClient.connect(own_stack.url) as client:
        messages = client.messages()
        ready = client.model or await until(messages, ModelState.READY)
        assert ready == ModelStatus(state=ModelState.READY, name="stand-in-for-qwen2.5", stand_in=True)
        (model,) = processes(own_stack, "standin")
        model.suspend()
        try:
            assert (await until(messages, ModelState.UNREACHABLE)).name is None
        finally:
            model.resume()
        await until(messages, ModelState.READY)

        agents = processes(own_stack, "agent")
        assert len(agents) == 2
        agents[0].suspend()
        agents[1].suspend()
        try:
            await until(messages, ModelState.NO_AGENT)
            asking = asyncio.create_task(client.ask("create a list called Kept"))
        finally:
            for agent in agents:
                agent.resume()
        await until(messages, ModelState.READY)
        assert client.model == ready
        assert (await asking).receipt.verdict  # what was asked meanwhile has waited
