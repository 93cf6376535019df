"""What people write and what keeps them apart is in no span, no metric and no line of any process's log.

Words that nobody else uses are put into every place that takes some, and everything is made to fail that can: the
model, the validation at each door, the database, the bus. Then all that came out is searched.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import asyncpg
import httpx
import pytest
import websockets
from bench.lab.certificate import issue
from nats.aio.client import Client as NatsClient
from nats.errors import Error as NatsError
from tests.mcp_clients.bridge import RawBridge, command
from tests.network.turn_client import Credentials, TurnClient
from tests.telemetry.quoting_model import QuotingModel, broken, calling, quoting_model, refusing, saying
from tests.telemetry.receiver import Receiver, receiving
from tests.telemetry.scraping import targets

from access.interface import Expected
from access.shared_secret import SharedSecrets
from client import AgentClient
from client.errors import ClientError
from contracts import subjects
from contracts.operations import CompleteItem, CreateItem, CreateList
from contracts.tokens import new_item_id, new_list_id, owner_key, uuid7
from contracts.turns import Outcome
from local_stack.death import bound_to_us
from local_stack.passwords import Passwords, load_or_make
from local_stack.ports import free_port
from local_stack.temporary import RunningStack, running_stack, temporary_directory

BOUND_S = 60
FILL = Path(__file__).parents[2] / "deploy" / "coturn" / "fill.py"
OWNER = "somebody"


@dataclass
class Canaries:
    """A word for each place, made at its first use, and what was there already that must not come out either."""

    words: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str) -> str:
        """Letters alone, so that no escaping hides it."""
        random = "".join(chr(ord("a") + byte % 26) for byte in secrets.token_bytes(12))
        return self.words.setdefault(place, f"canary{place}{random}")

    def keep(self, place: str, secret: str | None) -> str:
        assert secret, f"there is no {place}"
        self.words[place] = secret
        return secret

    def found_in(self, said: dict[str, bytes]) -> list[str]:
        return [
            f"{place} is in {source}"
            for source, text in said.items()
            for place, word in self.words.items()
            if word.encode() in text
        ]


@dataclass
class Stage:
    """The stack, everything around it, and what is put into it."""

    stack: RunningStack
    model: QuotingModel
    receiver: Receiver
    passwords: Passwords
    canaries: Canaries
    said: dict[str, bytes] = field(default_factory=dict)
    """What processes outside of the stack's logs have written."""

    def token(self, lifetime: timedelta = timedelta(minutes=5)) -> str:
        made = SharedSecrets((self.passwords.auth or "",), Expected("local", "todo-agent")).mint(OWNER, lifetime)
        return self.canaries.keep(f"token{len(self.canaries.words)}", made)


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    canaries = Canaries()
    turn_secret = canaries("turnsecret") + "x" * 32
    async with AsyncExitStack() as around:
        directory = around.enter_context(temporary_directory())
        receiver = await around.enter_async_context(receiving())
        model = await around.enter_async_context(quoting_model())
        model.named = f"a model for {canaries('modellisted')}"
        environ = {
            **receiver.environ,
            "LOG_LEVEL": "debug",
            "TURN_URLS": "turn:127.0.0.1:3478",
            "TURN_SECRET": turn_secret,
        }
        async with running_stack(directory, "--auth", "--model-url", model.url, environ=environ) as stack:
            passwords = load_or_make(stack.data / "secrets.json", auth=True)
            for name, secret in {"authsecret": passwords.auth, "database": passwords.store, **passwords.bus}.items():
                canaries.keep(f"password of {name}", secret)
            stage = Stage(stack, model, receiver, passwords, canaries)
            yield stage
            for address, _, instance in targets(stack.data):
                async with httpx.AsyncClient(trust_env=False) as client:
                    stage.said[f"scrape of {instance}"] = (await client.get(f"http://{address}/metrics")).content
        # All have flushed what they held when they were stopped.
        for log in sorted((stack.data / "logs").iterdir()):
            stage.said[f"log of {log.name}"] = log.read_bytes()
        stage.said["what was exported"] = b"\n".join(receiver.bodies)


async def what_people_write(stage: Stage) -> None:
    """Texts, titles and notes that are taken, by each door."""
    canaries = stage.canaries
    zone = f"Europe/{canaries('zone')}"
    async with AgentClient.connect(stage.stack.url, token=stage.token(), time_zone=zone) as client:
        canaries.keep("resumetoken", client.ready.resume_token)
        for server in client.ready.ice_servers:
            canaries.keep("turncredential", server.credential)
        stage.model.next.append(calling({"op": "create_list", "text": canaries("title")}))
        turn = await client.ask(f"create a list called {canaries('title')}")
        assert turn.outcome is Outcome.CONFIRMED
        list_id = new_list_id()
        item = CreateItem(item_id=new_item_id(), list_id=list_id, title=canaries("item"), notes=canaries("notes"))
        done = await client.run([CreateList(list_id=list_id, name=canaries("name")), item])
        assert done.outcome is Outcome.CONFIRMED
        await client.run([CompleteItem(item_id=canaries("unknownitem"))])
        stage.model.next.append(calling({"op": "show", "list": "L1"}, model=f"I am {canaries('modelserved')}"))
        await client.ask(f"what is in {canaries('question')}?")


async def a_model_that_quotes(stage: Stage) -> None:
    async with AgentClient.connect(stage.stack.url, token=stage.token()) as client:
        for number, answers in enumerate(
            (
                (refusing(500), refusing(500)),
                (refusing(200), refusing(200)),
                (refusing(400), refusing(400)),
                (saying(), saying(stage.canaries("prose"))),
                (broken, broken),
                (calling({"op": stage.canaries("op")}), calling({"op": "add_item", "list": stage.canaries("alias")})),
            )
        ):
            stage.model.next.extend(answers)
            turn = await client.ask(f"add {stage.canaries(f'request{number}')} to it")
            assert turn.outcome is not Outcome.CONFIRMED
            stage.model.next.clear()
    assert all(stage.canaries(f"request{number}") in "".join(stage.model.prompts) for number in (0, 2, 4))


async def what_is_malformed(stage: Stage) -> None:
    """At the WebSocket, the page's HTTP, the data channel and the bus."""
    canaries, url = stage.canaries, stage.stack.url
    for token in (canaries("badtoken"), f"{canaries('jwthead')}.{canaries('jwtbody')}.x"):
        with pytest.raises(ClientError):
            async with AgentClient.connect(url, token=token):
                pass
    hello = {"type": "hello", "version": 1, "token": stage.token(), "session": canaries("session")}
    for frames in (
        ['{"type":"hel' + canaries("frame")],
        [json.dumps({"type": canaries("type")})],
        [json.dumps({**hello, "version": canaries("version")})],
        [json.dumps({**hello, "resume_token": canaries("badresume")})],
        [
            json.dumps({"type": "hello", "version": 1, "token": stage.token()}),
            json.dumps({"type": "offer", "attempt": 1, "sdp": f"v=0\r\ns={canaries('sdp')}\r\n"}),
            json.dumps({"type": "candidate", "attempt": 1, "candidate": {"candidate": f"{canaries('cand')}.local"}}),
        ],
    ):
        async with websockets.connect(url.replace("http", "ws") + "/ai/ws", proxy=None) as socket_:
            for frame in frames:
                await socket_.send(frame)
            with suppress(TimeoutError, websockets.ConnectionClosed):
                async with asyncio.timeout(2):
                    while json.loads(await socket_.recv())["type"] != "error":
                        continue
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(f"{url}/{canaries('path')}?q={canaries('query')}", headers={"user-agent": canaries("agent")})
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{canaries('verb')} \0 {canaries('line')}\r\n\r\n".encode())
    await writer.drain()
    writer.close()
    async with AgentClient.connect(url, token=stage.token()) as client:
        for raw in (
            '{"type": "turn.st' + canaries("rawframe"),
            json.dumps({"type": canaries("rawtype"), "id": "m1"}),
            json.dumps({"type": "turn.start", "id": "m1", "turn_id": uuid7(), "text": f"{canaries('control')} \a"}),
            json.dumps({"type": "turn.start", "id": canaries("badid") + " !", "turn_id": "x", "text": "y"}),
            json.dumps(
                {"type": "op.run", "id": "m1", "operation_id": uuid7(), "operations": [{"op": canaries("opn")}]}
            ),
            json.dumps({"type": "token.renew", "id": "m1", "token": canaries("renewed")}),
            json.dumps({"type": "ping", "id": "m1", "traceparent": f"00-{canaries('trace')}"}),
        ):
            client.send_raw(raw)
        await client.lists()


async def a_bus_that_lies(stage: Stage) -> None:
    """Messages that no service of ours would send, as their users could."""
    canaries, session = stage.canaries, "session-of-the-page"
    broken_json = f'{{"owner": "{canaries("busjson")}'.encode()
    wrong = json.dumps({"owner": canaries("busowner"), "text": canaries("bustext"), "operations": 7}).encode()
    as_user = {
        "rtc-gateway": [f"evt.chat.{session}.t1.start", subjects.OPS_RUN, subjects.TODO_CANCEL],
        "mcp-bridge": [subjects.TODO_SEARCH, subjects.TODO_SNAPSHOT],
        "agent": [subjects.TODO_APPLY, subjects.TODO_REMEMBER, "ctl.agent.x.model", f"evt.chat.{session}.t1.completed"],
        "todo-store": [subjects.todo_changed(owner_key("local", OWNER))],
        "signaling": [subjects.RTC_OFFER],
    }
    async with AgentClient.connect(stage.stack.url, token=stage.token()) as page:
        for user, forms in as_user.items():
            client = await _bus(stage, user, stage.passwords.bus[user])
            for subject in forms:
                for body in (broken_json, wrong):
                    told = subject.replace(session, page.ready.session).replace(".t1.", f".t{len(body)}.")
                    await client.publish(told, body, reply="_INBOX_x.y")
            await client.flush()
            await client.close()
        await page.lists()
    with pytest.raises(NatsError):
        await _bus(stage, "agent", canaries("badpassword"))


async def _bus(stage: Stage, user: str, password: str) -> NatsClient:
    async def ignore(_: Exception) -> None:
        """Its refusals are what is looked for in the server's log."""

    client = NatsClient()
    state = json.loads((stage.stack.data / "stack.json").read_text())
    try:
        await client.connect(
            state["nats_url"], user=user, password=password, allow_reconnect=False, error_cb=ignore, connect_timeout=5
        )
    except NatsError:
        await client.close()
        raise
    return client


async def a_database_that_fails(stage: Stage) -> None:
    """In our own statements, and in such as nobody of ours sends."""
    canaries = stage.canaries
    database = await asyncpg.connect(stage.stack.database_url)
    try:
        await database.execute(
            f"ALTER TABLE todo_items ADD CONSTRAINT no_bad CHECK (title NOT LIKE '%{canaries('refused')}%') NOT VALID"
        )
        async with AgentClient.connect(stage.stack.url, token=stage.token()) as client:
            list_id = new_list_id()
            await client.run([CreateList(list_id=list_id, name="Failing")])
            item = CreateItem(item_id=new_item_id(), list_id=list_id, title=canaries("refused"))
            with pytest.raises(ClientError):
                await client.run([item])
        await database.execute("ALTER TABLE todo_items DROP CONSTRAINT no_bad")
        for statement in (
            f"SELECT '{canaries('integer')}'::int",
            f'SELECT * FROM "{canaries("relation")}"',  # noqa: S608 - it is to be refused
            f"SELECT '{canaries('json')}'::jsonb",
            f"DO $$ BEGIN RAISE WARNING '{canaries('warning')}'; END $$",
            f"INSERT INTO owners (owner_key, revision) VALUES ('{canaries('row')}', -1)",  # noqa: S608
            f"SELECT {canaries('syntax')} FROM",
        ):
            with suppress(asyncpg.PostgresError):
                await database.execute(statement)
        with suppress(asyncpg.PostgresError):
            await database.execute("SELECT $1::text::int", canaries("parameter"))
    finally:
        await database.close()


async def a_client_of_tools(stage: Stage) -> None:
    canaries = stage.canaries
    env = {**stage.receiver.environ, "LOG_LEVEL": "debug"}
    bridge = await RawBridge.started(command(stage.stack.data, OWNER), env)
    await bridge.initialize()
    for tool, arguments in (
        ("create_todo_list", {"name": canaries("toollist")}),
        ("search_todo_items", {"query": canaries("toolquery")}),
        ("create_todo_item", {"list_id": canaries("toolid"), "title": canaries("tooltitle")}),
        ("update_todo_item", {"item_id": "i1", canaries("toolargument"): canaries("toolvalue")}),
        ("update_todo_item", {"item_id": "i1", "due": canaries("tooldue")}),
        (canaries("toolname"), {}),
    ):
        await bridge.ask("tools/call", {"name": tool, "arguments": arguments})
    await bridge.ask("resources/read", {"uri": f"todo://{canaries('uri')}"})
    await bridge.ask("prompts/get", {"name": canaries("prompt"), "arguments": {}})
    await bridge.ask(canaries("method"), {})
    assert bridge.process.stdin is not None
    bridge.process.stdin.write(f'{{"jsonrpc": "2.0", "{canaries("wire")}\n'.encode())
    _, _, said = await bridge.ended()
    stage.said["log of mcp-bridge"] = said.encode()


@pytest.fixture
def turnserver() -> str:
    program = shutil.which("turnserver")
    if program is None:
        reason = "coturn is not installed: sudo apt-get install coturn"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return program


async def said_by_a_relay(program: str, canaries: Canaries, directory: Path) -> bytes:
    """coturn as it is shipped: an allocation with a password of ours, and one with a wrong one."""
    certificate = issue(directory, "127.0.0.1")
    secret, before = (canaries(place) + "x" * 32 for place in ("turnsecret", "turnsecretbefore"))
    values = {
        "TURN_IP": "127.0.0.1",
        "TURN_REALM": "todo.example",
        "TURN_SECRET": secret,
        "TURN_SECRET_BEFORE": before,
        "GATEWAY_NETWORK": "10.0.0.5-10.0.0.9",
        "TURN_CERT": str(certificate.chain),
        "TURN_KEY": str(certificate.key),
    }
    filled = subprocess.run(
        [sys.executable, FILL], env={**os.environ, **values}, capture_output=True, text=True, check=True, timeout=20
    ).stdout
    port = free_port()
    configuration = directory / "turnserver.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        filled.replace("listening-port=3478", f"listening-port={port}").replace("=5349", f"={free_port()}")
    )
    log = directory / "coturn.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *(program, "-c", str(configuration)),
            stdin=DEVNULL, stdout=said, stderr=said, preexec_fn=bound_to_us(signal.SIGKILL),
        )  # fmt: skip
    try:
        await asyncio.to_thread(_allocate, canaries, secret, ("127.0.0.1", port))
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), BOUND_S)
    return log.read_bytes()


def _allocate(canaries: Canaries, secret: str, server: tuple[str, int]) -> None:
    good = Credentials.signed(secret, "by-test")
    canaries.keep("turnpassword", good.password)
    bad = Credentials(good.username, canaries("badturnpassword"))
    for credentials, code in ((good, 0), (bad, 401)):
        with TurnClient(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), server, credentials) as client:
            assert client.allocate().code == code


async def test_no_secret_is_in_the_log_of_a_relay(turnserver: str, tmp_path: Path) -> None:
    canaries = Canaries()
    said = await said_by_a_relay(turnserver, canaries, tmp_path)
    assert canaries.found_in({"log of coturn": said}) == []
    assert b"Cannot find credentials" in said
    assert {"turnsecret", "turnsecretbefore", "turnpassword", "badturnpassword"} == canaries.words.keys()


async def test_no_word_of_anybody_and_no_secret_is_in_spans_logs_or_metrics() -> None:
    async with staged() as stage:
        await what_people_write(stage)
        await a_model_that_quotes(stage)
        await what_is_malformed(stage)
        await a_database_that_fails(stage)
        await a_bus_that_lies(stage)
        await a_client_of_tools(stage)

    assert stage.canaries.found_in(stage.said) == []
    # That what was to fail has failed, and that what was searched is what came out.
    for source, shown in {
        "log of agent-1.log": ['"model failed"', '"another model answered"', '"job taken out"'],
        "log of todo-store-1.log": ['"handler failed"', '"CheckViolationError"'],
        "log of signaling.log": ['"client admitted"', '"code": "unauthorised"', "Invalid HTTP request received."],
        "log of rtc-gateway-1.log": ['"path chosen"', '"malformed event ignored"'],
        "log of postgres.log": ["ready to accept connections"],
        "log of nats.log": ["authentication error"],
        "scrape of agent-1": ['todo_model_faults_total{kind="model_http_error"}', "todo_dead_letters_total"],
        "scrape of todo-store-1": ['result="internal"'],
        "what was exported": ["rpc.todo.v1.apply", "todo.verdicts", "mcp.server.operation.duration"],
    }.items():
        for word in shown:
            assert word.encode() in stage.said[source], (source, word)
    assert len(stage.canaries.words) > 75
