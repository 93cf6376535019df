"""The project as docs/compose.md has it for other devices of a network: TLS, tokens, and the relay.

The other device reaches 5443 and 3478 of this machine's address and nothing else. The certificate is by `make certs`.
"""

import hashlib
import os
import ssl
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from bench.lab.certificate import Certificate
from bench.lab.chromium import chromium_in
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.async_api import Browser
from tests.containers.elsewhere import HOST, Elsewhere
from tests.containers.engine import Engine
from tests.containers.machine import ROOT
from tests.containers.project import PAGE, TLS_PORT, TURN_PORT, Project, running_project
from tests.containers.talking import DONE, opened, said, said_in
from tests.network.person import asked, connected

from client import ConnectError
from contracts.message import ErrorCode

PAGE_THERE = f"https://{HOST}:{TLS_PORT}"
ENVIRON = {
    "DOCKER_HOST_IP": HOST,
    "PUBLISHED_ON": HOST,
    "AUTH_SECRET": "of-a-test-and-at-least-as-long-as-it-must-be",
}
LET_OUT = (
    f"ip daddr {HOST} tcp dport {TLS_PORT}",
    f"ip daddr {HOST} udp dport {TURN_PORT}",
    f"ip daddr {HOST} tcp dport {TURN_PORT}",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Made as a person makes it, in a folder that is not theirs."""
    folder = tmp_path_factory.mktemp("certs")
    environ = {**os.environ, **ENVIRON, "CERTS": str(folder), "CAROOT": str(folder / "authority")}
    subprocess.run([ROOT / "deploy/certs/make.sh"], check=True, env=environ, cwd=ROOT, capture_output=True, timeout=60)
    chain = folder / "served" / "cert.pem"
    key = x509.load_pem_x509_certificate(chain.read_bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    return Certificate(
        folder / "authority" / "rootCA.pem", chain, folder / "served" / "key.pem", b64encode(digest).decode()
    )


@pytest.fixture(scope="module")
def project(engine: Engine, model_url: str, certificate: Certificate) -> Iterator[Project]:
    with running_project(engine, {**ENVIRON, "MODEL_URL": model_url}, HOST) as project:
        project.serve_with(certificate.chain.parent)
        project.up()
        yield project


@pytest.fixture(autouse=True)
def firewall(elsewhere: Elsewhere, project: Project) -> None:
    elsewhere.let_out(*LET_OUT)


@pytest.fixture(scope="module")
async def browser_there(
    elsewhere: Elsewhere, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Browser]:
    directory = tmp_path_factory.mktemp("chromium")
    async with chromium_in(elsewhere.client, directory, certificate) as browser:
        yield browser


def token(project: Project, owner: str) -> str:
    return project.inside("signaling", "start", "token", "--owner", owner).strip().splitlines()[-1]


def address(project: Project, owner: str) -> str:
    """That signs a browser in."""
    # It is for a person's eyes: on stderr, beside the token.
    command = f"start token --owner {owner} --url {PAGE_THERE} 2>&1"
    words = project.inside("signaling", "sh", "-c", command).split()
    return next(word for word in words if word.startswith("https://"))


async def test_another_device_signs_in_and_is_answered_through_the_relay(
    project: Project, browser_there: Browser
) -> None:
    async with opened(browser_there, address(project, "Ada")) as page:
        pair = (await connected(page)).pair
        assert pair.local == "relay"
        assert await asked(page, "create a list called By TLS") == DONE.value
        assert await page.evaluate("window.isSecureContext")


async def test_a_program_on_another_device_is_answered_through_the_relay(
    project: Project, elsewhere: Elsewhere, certificate: Certificate
) -> None:
    environ = {"SSL_CERT_FILE": str(certificate.authority), "TODO_AGENT_TOKEN": token(project, "Bob")}
    told = await said_in(elsewhere.client, "create a list called By wss", PAGE_THERE, environ)
    assert told.get("outcome") == DONE.value, told
    assert told["path"][0] == "relay"


async def test_nobody_enters_without_a_token(project: Project) -> None:
    with pytest.raises(ConnectError) as refused:
        await said("create a list called Nobody's", PAGE)
    assert refused.value.code is ErrorCode.UNAUTHORISED


def test_the_bridge_is_there_by_tls_and_asks_for_a_token(project: Project, certificate: Certificate) -> None:
    with httpx.Client(verify=ssl.create_default_context(cafile=str(certificate.authority))) as client:
        answer = client.post(f"{PAGE_THERE}/mcp", json={})
    assert answer.status_code == 401


def test_plain_http_stays_on_loopback(elsewhere: Elsewhere) -> None:
    elsewhere.let_out("ip protocol tcp")
    done = subprocess.run(
        elsewhere.client.command("curl", "-s", "-m", "3", f"http://{HOST}:5173/"), check=False, capture_output=True
    )
    assert done.returncode != 0
