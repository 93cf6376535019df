"""k8s/overlays/local as it is rendered: its pods start, answer through forwarded ports, and stop in time.

Its network policies are in force. What a cluster adds, and is not here, is in docs/kubernetes.md.
"""

import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bench.lab import namespace
from bench.lab.certificate import Certificate
from bench.lab.chromium import chromium_in
from bench.lab.namespace import Namespace
from policy.k8s.reachability import Policies, Port, ends
from policy.k8s.rendering import objects_of
from tests.containers.engine import Engine
from tests.containers.forwarding import forwarded
from tests.containers.model import running_model
from tests.containers.pods import NODE, Cluster, RunningPod, running_cluster
from tests.containers.talking import DONE, opened, said_in
from tests.network.person import asked, connected


@pytest.fixture(scope="module")
def cluster(engine: Engine) -> Iterator[Cluster]:
    with running_model("0.0.0.0") as url:  # noqa: S104 - the pods' network is not there yet
        port = urlsplit(url).port
        assert port is not None
        environ = {"MODEL_URL": f"http://model-server:{port}"}
        with running_cluster(engine, objects_of("local"), environ, {"model-server": NODE}, port) as running:
            yield running


@pytest.fixture(scope="module")
async def person(cluster: Cluster) -> AsyncIterator[Namespace]:
    """Somebody who has the two forwarded ports on their loopback, and nothing else at all."""
    here = namespace.add("person")
    try:
        async with (
            forwarded(here, 5173, cluster.running["page"].network, 8080),
            forwarded(here, 3478, cluster.running["coturn"].network, 3478),
        ):
            yield here
    finally:
        namespace.remove(here)


async def test_a_person_with_two_forwarded_ports_is_answered(person: Namespace) -> None:
    answer = await said_in(person, "create a list called Groceries", "http://localhost:5173")
    assert answer.get("outcome") == DONE.value, answer
    assert answer["path"][0] == "relay"


async def test_a_browser_with_two_forwarded_ports_is_answered(
    person: Namespace, certificate: Certificate, tmp_path: Path
) -> None:
    async with chromium_in(person, tmp_path, certificate) as browser, opened(browser, "http://localhost:5173") as page:
        assert "relay/tcp" in (await connected(page)).shown
        assert await asked(page, "create a list called Weekend") == DONE.value


async def test_a_gateway_that_is_stopped_says_so_and_ends_in_its_grace(cluster: Cluster, person: Namespace) -> None:
    status, took = cluster.stop("rtc-gateway")
    assert status == 0
    assert took < cluster.running["rtc-gateway"].pod.spec["terminationGracePeriodSeconds"]
    cluster.again("rtc-gateway")
    answer = await said_in(person, "add milk to Groceries", "http://localhost:5173")
    assert answer.get("outcome") == DONE.value, answer


@pytest.mark.parametrize("name", ["signaling", "agent", "todo-store", "mcp-bridge", "page", "nats", "postgres"])
async def test_each_pod_stops_by_itself_and_the_next_turn_is_answered(
    cluster: Cluster, person: Namespace, name: str
) -> None:
    status, took = cluster.stop(name)
    assert status == 0
    assert took < cluster.running[name].pod.spec["terminationGracePeriodSeconds"]
    cluster.again(name)
    answer = await said_in(person, f"create a list called {name}", "http://localhost:5173")
    assert answer.get("outcome") == DONE.value, answer


def test_no_pod_tried_what_no_policy_allows(cluster: Cluster) -> None:
    refused = {name: held.network.counters("policies")["refused"] for name, held in cluster.running.items()}
    assert {name: count for name, count in refused.items() if count} == {}


def test_between_pods_there_is_what_the_policies_were_computed_to_let_through(cluster: Cluster) -> None:
    """Last, since what is refused is counted. The two readings of the policies share no code but that of selectors."""
    policies, found = Policies(cluster.objects), {end.name: end for end in ends(cluster.objects)}
    wanted: dict[tuple[str, str, int], bool] = {}
    for sender, receiver in permutations(cluster.running, 2):
        out = policies.allow("egress", found[sender], found[receiver])
        into = policies.allow("ingress", found[receiver], found[sender])
        for port in cluster.running[receiver].pod.ports:
            if port.get("protocol") != "UDP":
                number = port["containerPort"]
                wanted[sender, receiver, number] = out(Port(number)) and into(Port(number))

    def tried(edge: tuple[str, str, int]) -> bool:
        return _reached(cluster.running[edge[0]], cluster.running[edge[1]].address, edge[2])

    with ThreadPoolExecutor(16) as pool:
        assert dict(zip(wanted, pool.map(tried, wanted), strict=True)) == wanted
    assert set(wanted.values()) == {True, False}


def _reached(held: RunningPod, address: str, port: int) -> bool:
    """Whether something answered, were it that nobody listens."""

    def connect() -> bool:
        try:
            socket.create_connection((address, port), timeout=2).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True

    return held.network.inside(connect)
