"""Each container's program is killed, as the kernel does when memory is short: it comes back, and the chat goes on.

What was acknowledged is there afterwards, once. A request in the meantime may fail; then it says so.
"""

import asyncio

import pytest
from bench.lab.forwarder import forwarded
from tests.containers.elsewhere import HOST, Elsewhere, ThisMachine
from tests.containers.project import PAGE, STEPS, TURN_PORT, Project
from tests.containers.talking import DONE, said, said_in, titles

from client import AgentSession, ClientError

SERVICES = ("page", "signaling", "rtc-gateway", "agent", "todo-store", "mcp-bridge", "nats", "postgres", "coturn")
BOUND_S = 120.0


async def kept(session: AgentSession, item: str, name: str) -> bool:
    """Ask for an item; whether it was acknowledged."""
    try:
        return (await session.ask(f"add {item} to {name}", timeout=BOUND_S)).outcome is DONE
    except ClientError:
        return False


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_killed_comes_back_and_nothing_acknowledged_is_lost(project: Project, service: str) -> None:
    name = f"Killed {service.replace('-', ' ')}"
    assert (await said(f"create a list called {name}"))[0] is DONE
    killed = project.container(service)
    async with AgentSession.open(PAGE) as session:
        acknowledged = {item: await kept(session, item, name) for item in ("apples",)}
        project.kill(killed)
        acknowledged["bread"] = await kept(session, "bread", name)
        await asyncio.to_thread(project.wait_until_restarted, killed)
        acknowledged["cheese"] = await kept(session, "cheese", name)
    assert acknowledged["apples"]
    assert acknowledged["cheese"]
    found = (await titles())[name]
    assert set(found) >= {item for item, yes in acknowledged.items() if yes}
    assert len(found) == len(set(found))


async def test_everything_killed_at_once_comes_back_with_all_that_was_acknowledged(project: Project) -> None:
    assert (await said("create a list called All of them"))[0] is DONE
    assert (await said("add apples to All of them"))[0] is DONE
    everything = [one for one in project.containers() if one.service not in STEPS]
    for one in everything:
        project.kill(one)
    for one in everything:
        await asyncio.to_thread(project.wait_until_restarted, one)
    assert (await said("add bread to All of them"))[0] is DONE
    assert (await titles())["All of them"] == ["apples", "bread"]


async def test_the_relay_works_after_all_that(project: Project, elsewhere: Elsewhere) -> None:
    project.wait_until_healthy()
    elsewhere.let_out(f"ip daddr {HOST} udp dport {TURN_PORT}")
    async with forwarded(elsewhere.client, ThisMachine(), 5173):
        told = await said_in(elsewhere.client, "create a list called Still relayed")
    assert told.get("outcome") == DONE.value, told
    assert told["path"][0] == "relay"
