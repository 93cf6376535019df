"""What pages are told of the model: by agents on the real bus, and by none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack

import pytest

from bus.interface import Bus
from bus.memory_bus import MemoryBus
from bus.nats_bus import NatsBus
from contracts import subjects
from contracts.model_status import ModelReport, ModelState, ModelStatus
from local_stack.temporary import RunningNats
from rtc_gateway import model_news
from rtc_gateway.model_news import ModelNews

WAIT_S = 10
NEVER_S = 300.0


class Page:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[ModelStatus] = asyncio.Queue()

    def tell(self, status: ModelStatus) -> None:
        self.told.put_nowait(status)

    async def until(self, state: ModelState) -> int:
        """Wait to be told a state; how much was told up to that."""
        count = 1
        async with asyncio.timeout(WAIT_S):
            while (await self.told.get()).state is not state:
                count += 1
        return count


async def say(agent: Bus, instance: str, state: ModelState) -> None:
    report = ModelReport(instance=instance, state=state, name="qwen", stand_in=False)
    await agent.publish(subjects.agent_model(instance), report)


@pytest.fixture
async def gateway(nats_server: RunningNats) -> AsyncIterator[NatsBus]:
    async with NatsBus.connected_to(nats_server.bus_settings("rtc-gateway")) as bus:
        yield bus


@pytest.fixture
async def agent(nats_server: RunningNats) -> AsyncIterator[NatsBus]:
    async with NatsBus.connected_to(nats_server.bus_settings("agent")) as bus:
        yield bus


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_news, "GAP_S", 0.01)


@pytest.mark.usefixtures("quick")
async def test_agents_on_the_bus_are_heard_until_they_fall_silent(gateway: NatsBus, agent: NatsBus) -> None:
    news, page, late = ModelNews(gateway, silent_after_s=1.0), Page(), Page()
    async with news.listening():
        with news.followed_by(page.tell):
            await say(agent, "a1", ModelState.LOADING)
            await page.until(ModelState.LOADING)
            await say(agent, "a2", ModelState.READY)
            await page.until(ModelState.READY)
            with news.followed_by(late.tell):
                assert late.told.get_nowait() == ModelStatus(state=ModelState.READY, name="qwen")
            await page.until(ModelState.NO_AGENT)  # both are silent, and nothing stirs any more
            await say(agent, "a1", ModelState.READY)
            await page.until(ModelState.READY)
            assert late.told.empty()


@pytest.mark.usefixtures("quick")
async def test_a_page_that_comes_before_anything_is_known_is_told_then(gateway: NatsBus) -> None:
    news, page = ModelNews(gateway, silent_after_s=0.2), Page()
    async with news.listening():
        with news.followed_by(page.tell):
            assert page.told.empty()
            await page.until(ModelState.NO_AGENT)


async def test_states_that_come_and_go_are_told_at_most_once_in_a_while() -> None:
    bus, page = MemoryBus(), Page()
    news = ModelNews(bus, silent_after_s=NEVER_S)
    async with news.listening():
        with news.followed_by(page.tell):
            for number in range(200):
                await say(bus, "a1", (ModelState.LOADING, ModelState.UNREACHABLE)[number % 2])
                await asyncio.sleep(0)
            await say(bus, "a1", ModelState.READY)
            assert await page.until(ModelState.READY) == 2  # the first, and after a pause the last
    await bus.close()


@pytest.mark.usefixtures("quick")
async def test_a_bus_that_is_away_makes_nobody_silent() -> None:
    bus, page = MemoryBus(), Page()
    news = ModelNews(bus, silent_after_s=0.3)
    async with news.listening():
        with news.followed_by(page.tell):
            await say(bus, "a1", ModelState.READY)
            await page.until(ModelState.READY)
            bus.away = True
            looks = await silences(news, 2)
            bus.away = False
            assert looks
            assert page.told.empty()
            await page.until(ModelState.NO_AGENT)
    await bus.close()


async def silences(news: ModelNews, count: int) -> bool:
    """Wait until the agents would have been taken for silent that often."""
    async with asyncio.timeout(WAIT_S):
        for _ in range(count):
            since = news._heard._since
            while news._heard._since == since:  # noqa: ASYNC110 - a clock has no event
                await asyncio.sleep(0.01)
    return True


async def test_what_is_no_report_is_passed_over() -> None:
    bus, page = MemoryBus(), Page()
    news = ModelNews(bus, silent_after_s=NEVER_S)
    async with news.listening():
        with news.followed_by(page.tell):
            await bus.publish(subjects.agent_model("a1"), ModelStatus(state=ModelState.READY))  # names no instance
            await say(bus, "a1", ModelState.LOADING)
            await page.until(ModelState.LOADING)
    await bus.close()


async def test_a_page_that_leaves_is_told_nothing_more() -> None:
    bus = MemoryBus()
    news = ModelNews(bus, silent_after_s=NEVER_S)
    pages: list[Page] = [Page(), Page()]
    async with news.listening():
        with ExitStack() as first:
            tells: list[Callable[[ModelStatus], None]] = [page.tell for page in pages]
            first.enter_context(news.followed_by(tells[0]))
            with news.followed_by(tells[1]):
                pass
            await say(bus, "a1", ModelState.READY)
            await pages[0].until(ModelState.READY)
            assert pages[1].told.empty()
    await bus.close()
