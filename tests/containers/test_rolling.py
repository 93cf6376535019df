"""One container after the other is stopped and started while people ask: no turn is lost, and none fails."""

import asyncio

from tests.containers.project import PAGE, Container, Project
from tests.containers.talking import DONE, said, titles

from client import AgentSession

SERVICES = ("todo-store", "agent", "rtc-gateway", "signaling", "mcp-bridge", "page")
PEOPLE = 3
WORDS = "abcdefghijklmnopqrstuvwxyz"
BOUND_S = 120.0


async def asking(number: int, begun: asyncio.Semaphore, stop: asyncio.Event) -> list[str]:
    """Ask for one item after the other, each acknowledged, until told to stop; the items."""
    name, items = f"Rolling {WORDS[number]}", list[str]()
    async with AgentSession.open(PAGE, timeout=60) as session:
        while not stop.is_set():
            item = f"thing{WORDS[len(items) // 26 % 26]}{WORDS[len(items) % 26]}"
            completed = await session.ask(f"add {item} to {name}", timeout=BOUND_S)
            assert completed.outcome is DONE, (item, completed.outcome, completed.text)
            items.append(item)
            begun.release()
    return items


def restart(project: Project, container: Container) -> None:
    """As an upgrade does with each: it is told to end, is given its time, and ends by itself."""
    project.engine.run("stop", container.id)
    assert project.container(container.service, container.number).exit_code == 0, container.name
    project.engine.run("start", container.id)
    project.wait_until_restarted(container)


async def test_one_container_at_a_time_is_restarted_and_no_turn_is_lost(project: Project) -> None:
    for number in range(PEOPLE):
        assert (await said(f"create a list called Rolling {WORDS[number]}"))[0] is DONE
    begun, stop = asyncio.Semaphore(0), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        people = [group.create_task(asking(number, begun, stop)) for number in range(PEOPLE)]
        for _ in people:
            await begun.acquire()
        for service in SERVICES:
            for container in project.containers(service):
                await asyncio.to_thread(restart, project, container)
        stop.set()
    found = await titles()
    for number, person in enumerate(people):
        assert len(person.result()) > len(SERVICES)
        assert found[f"Rolling {WORDS[number]}"] == person.result()
