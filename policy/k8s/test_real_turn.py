"""coturn with the configuration and the arguments that its pod has, in a network of its own with the pod's addresses.

Debian's, which is older than the image's. Needs root for the network's namespace.
"""

import os
import shutil
import subprocess
import sys

import pytest
from policy.k8s.objects import Node, environment, named, pods
from policy.k8s.rendering import ROOT, objects_of

from provision.cluster.making import SOURCES

POD, GATEWAY, STRANGER = "10.244.1.9", "10.244.3.5", "10.245.0.5"
TOOLS = ("turnserver", "turnutils_uclient", "turnutils_peer", "turnutils_stunclient", "unshare", "ip")
SECRET = "a-secret-of-more-than-24-characters"
SCRIPT = """
set -eu
ip link set lo up
for address in {pod} {gateway} {stranger}; do ip address add "$address/32" dev lo; done
TURN_IP={pod}; export TURN_IP
turnserver {arguments} > {folder}/log 2>&1 & server=$!
turnutils_peer -L {gateway} -p 4000 > /dev/null 2>&1 & gateway=$!
turnutils_peer -L {stranger} -p 4000 > /dev/null 2>&1 & stranger=$!
trap 'kill $server $gateway $stranger; wait' EXIT
tries=0
until {probe}; do
    tries=$((tries + 1)); [ $tries -lt 50 ] || {{ cat {folder}/log; exit 1; }}
    sleep 0.1
done > /dev/null
kill -0 $server
user=$(TURN_SECRET={secret} python3 {credentials})
ask() {{ turnutils_uclient -u "${{user% *}}" -w "${{user#* }}" -r 4000 -n 3 -m 1 -c "$@" 2>&1 || true; }}
echo "== gateway, udp"; ask -e {gateway} {pod}
echo "== gateway, tcp, as kubectl port-forward comes"; ask -t -e {gateway} 127.0.0.1
echo "== stranger"; ask -e {stranger} {pod}
echo "== itself"; ask -e 127.0.0.1 {pod}
echo "== log"; cat {folder}/log
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is printed, by the words after `==`."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.geteuid() != 0 or missing:
        why = f"needs root and {', '.join(TOOLS)}; here is no {missing or 'root'}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    folder = tmp_path_factory.mktemp("turn")
    for key in SOURCES["coturn"]:
        (folder / key).write_text(SECRET)
    objects = objects_of("local")
    pod = next(one for one in pods(objects) if one.name == "coturn")
    configure: Node = pod.spec["initContainers"][0]
    into = folder / "turnserver.conf"
    assert configure["args"][:2] == ["coturn", "--into"]
    given = {**environment(objects, pod, configure), "SECRETS_DIR": str(folder), "TURN_IP": POD}
    step = [sys.executable, *configure["command"][1:], "coturn", "--into", str(into)]
    step += ["--template", str(ROOT / "deploy" / "coturn")]
    subprocess.run(step, env={"PATH": os.defpath, **given}, check=True, timeout=60)
    assert pod.main["args"][:2] == ["-c", "/etc/coturn/turnserver.conf"]
    command = pod.main["livenessProbe"]["exec"]["command"]
    assert command[:2] == ["sh", "-c"]
    script = SCRIPT.format(
        arguments=" ".join(["-c", str(into), *pod.main["args"][2:]]),
        probe=command[2],
        credentials=ROOT / "deploy" / "coturn" / "credentials.py",
        folder=folder,
        secret=SECRET,
        pod=POD,
        gateway=GATEWAY,
        stranger=STRANGER,
    )
    done = subprocess.run(
        ["unshare", "--net", "bash", "-c", script], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    parts = done.stdout.split("== ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


@pytest.mark.parametrize("way", ["gateway, udp", "gateway, tcp, as kubectl port-forward comes"])
def test_a_gateway_of_the_pods_network_is_reached(said: dict[str, str], way: str) -> None:
    assert "tot_send_msgs=3, tot_recv_msgs=3" in said[way]


@pytest.mark.parametrize("way", ["stranger", "itself"])
def test_nobody_else_is(said: dict[str, str], way: str) -> None:
    assert "403 (Forbidden IP)" in said[way]
    assert "tot_recv_msgs=3" not in said[way]


def test_it_knows_every_line_of_its_configuration(said: dict[str, str]) -> None:
    assert "Bad configuration format" not in said["log"]
    assert "Unknown" not in said["log"]


def test_the_page_is_told_the_port_that_is_forwarded() -> None:
    objects = objects_of("local")
    signaling = next(one for one in pods(objects) if one.name == "signaling")
    assert environment(objects, signaling, signaling.main)["TURN_URLS"] == "turn:127.0.0.1:3478?transport=tcp"
    service = named(objects, "Service", "coturn")
    assert service is not None
    assert {port["port"] for port in service["spec"]["ports"]} == {3478}
