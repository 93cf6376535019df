"""Streams go into a file and come out of it as they were, or not at all."""

import asyncio
import base64
import hashlib
import io
import json
import random
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from contracts import subjects
from contracts.permissions import USERS
from contracts.sessions import SessionRecord
from contracts.streams import CHAT, DLQ, OUT, SESSIONS, STREAMS
from contracts.tokens import new_session_id, owner_key
from local_stack.cluster import RunningCluster, running_cluster
from local_stack.temporary import RunningNats, running_nats, temporary_directory
from provision.archive import ArchiveError, Reader
from provision.snapshots import Held, SnapshotError, bring_back, save

Server = RunningNats | RunningCluster
SESSION = new_session_id()
TOKENS = tuple(hashlib.sha256(word).hexdigest() for word in (b"newest", b"one before"))
RECORD = SessionRecord(
    owner=owner_key("local", "ada"), epoch=7, resume=TOKENS[0], resume_before=TOKENS[1], entered_at=datetime.now(UTC)
)
LARGE = random.Random(4).randbytes(200_000)  # noqa: S311 - what no server packs smaller


class State(NamedTuple):
    """Of the streams: messages by stream, sequence and subject, and where CHAT's consumers are."""

    messages: dict[str, list[tuple[int, str, str]]]
    acked: dict[str, tuple[int, int]]


@pytest.fixture
async def full() -> AsyncIterator[RunningNats]:
    async with fresh_server() as server:
        async with connected(server, "rtc-gateway") as gateway:
            for number in range(60):  # over the window in which the server waits for acknowledgements
                await gateway.request(f"evt.chat.{SESSION}.t{number}.start", LARGE, timeout=5)
        async with connected(server, "agent") as agent:
            consumer, inbox = await partition(server), agent.new_inbox()
            jobs = await agent.subscribe(inbox)
            for number in range(3):
                await agent.publish(f"$JS.API.CONSUMER.MSG.NEXT.{CHAT}.{consumer}", b'{"batch":1}', reply=inbox)
                job = await jobs.next_msg(timeout=5)
                await agent.request(f"evt.chat.{SESSION}.t{number}.completed", b"{}", timeout=5)
                await agent.request(job.reply, b"+ACK", timeout=5)
            await agent.request(f"evt.out.{SESSION}.t1.plan", b"{}", timeout=5)
            await agent.request(f"dlq.chat.{SESSION}.t1", b"{}", timeout=5)
        async with connected(server, "signaling") as signaling:
            await signaling.request(subjects.session_record(SESSION), RECORD.to_json(), timeout=5)
        yield server


@asynccontextmanager
async def fresh_server() -> AsyncIterator[RunningNats]:
    with temporary_directory() as directory:
        async with running_nats(directory) as server:
            yield server


@asynccontextmanager
async def connected(server: Server, user: str) -> AsyncIterator[Client]:
    settings = server.bus_settings(user)
    client = Client()
    await client.connect(
        settings.url.split(","), user=settings.user, password=settings.password, inbox_prefix=settings.inbox_prefix
    )
    try:
        yield client
    finally:
        await client.close()


async def api(server: Server, call: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    async with connected(server, "topology") as client:
        answer: Msg = await client.request(f"$JS.API.{call}", json.dumps(body or {}).encode(), timeout=5)
    found: dict[str, Any] = json.loads(answer.data)
    assert "error" not in found, found
    return found


async def partition(server: RunningNats) -> str:
    consumers = (await api(server, f"CONSUMER.LIST.{CHAT}"))["consumers"]
    return next(str(one["name"]) for one in consumers if one["num_pending"])


async def state(server: Server) -> State:
    messages: dict[str, list[tuple[int, str, str]]] = {}
    for stream in STREAMS:
        held = messages[stream.name] = []
        last = (await api(server, f"STREAM.INFO.{stream.name}"))["state"]["last_seq"]
        while (held[-1][0] if held else 0) < last:
            call = {"seq": (held[-1][0] if held else 0) + 1, "next_by_subj": ">"}
            found = (await api(server, f"STREAM.MSG.GET.{stream.name}", call))["message"]
            held.append((found["seq"], found["subject"], hashlib.sha256(found.get("data", "").encode()).hexdigest()))
    consumers = (await api(server, f"CONSUMER.LIST.{CHAT}"))["consumers"]
    return State(messages, {one["name"]: (one["ack_floor"]["stream_seq"], one["num_pending"]) for one in consumers})


async def saved(server: Server) -> bytes:
    out = io.BytesIO()
    await save(server.bus_settings("topology"), out)
    return out.getvalue()


async def test_streams_come_back_with_their_sequences_and_the_places_of_their_consumers(full: RunningNats) -> None:
    was = await state(full)
    archive = await saved(full)
    async with fresh_server() as other:
        back = await bring_back(other.bus_settings("topology"), io.BytesIO(archive))
        assert back == (Held(CHAT, 63), Held(OUT, 1), Held(DLQ, 1), Held(SESSIONS, 1))
        now = await state(other)
        for stream in (CHAT, OUT, DLQ):
            assert now.messages[stream] == was.messages[stream]
        assert now.acked == was.acked
        # What comes next has the next number, and a repeat is still refused.
        async with connected(other, "rtc-gateway") as gateway:
            refused = json.loads((await gateway.request(f"evt.chat.{SESSION}.t1.start", b"", timeout=5)).data)
            assert refused["error"]["err_code"] == 10077
            stored = json.loads((await gateway.request(f"evt.chat.{SESSION}.new.start", b"", timeout=5)).data)
            assert stored["seq"] == was.messages[CHAT][-1][0] + 1


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_one_server_s_backup_goes_onto_three_and_theirs_onto_one(full: RunningNats) -> None:
    was = await state(full)
    archive = await saved(full)
    with temporary_directory() as directory:
        async with running_cluster(directory) as cluster:
            await bring_back(cluster.bus_settings("topology"), io.BytesIO(archive), replicas=3)
            for stream in STREAMS:
                config = (await api(cluster, f"STREAM.INFO.{stream.name}"))["config"]
                assert config["num_replicas"] == 3, stream.name
            there = await state(cluster)
            archive = await saved(cluster)
    async with fresh_server() as other:
        await bring_back(other.bus_settings("topology"), io.BytesIO(archive))
        back = await state(other)
        assert (await api(other, f"STREAM.INFO.{CHAT}"))["config"]["num_replicas"] == 1
    for stream in (CHAT, OUT, DLQ):
        assert was.messages[stream] == there.messages[stream] == back.messages[stream]
    assert was.acked == there.acked == back.acked


async def test_a_session_comes_back_marked_so_that_its_client_counts_events_anew(full: RunningNats) -> None:
    archive = await saved(full)
    async with fresh_server() as other:
        await bring_back(other.bus_settings("topology"), io.BytesIO(archive))
        async with connected(other, "topology") as client:
            call = json.dumps({"last_by_subj": subjects.session_record(SESSION)}).encode()
            answer = json.loads((await client.request(f"$JS.API.STREAM.MSG.GET.{SESSIONS}", call, timeout=5)).data)
    record = SessionRecord.from_json(base64.b64decode(answer["message"]["data"]))
    assert record == RECORD.model_copy(update={"restored": TOKENS})


async def test_streams_that_hold_something_are_replaced_only_when_that_is_asked_for(full: RunningNats) -> None:
    archive, was = await saved(full), await state(full)
    settings = full.bus_settings("topology")
    async with connected(full, "rtc-gateway") as gateway:
        await gateway.request(f"evt.chat.{SESSION}.later.start", b"", timeout=5)
    with pytest.raises(SnapshotError, match="CHAT holds 64 messages"):
        await bring_back(settings, io.BytesIO(archive))
    assert len((await state(full)).messages[CHAT]) == 64
    await bring_back(settings, io.BytesIO(archive), replace=True)
    assert (await state(full)).messages[CHAT] == was.messages[CHAT]


def cut_off(archive: bytes) -> bytes:
    return archive[: len(archive) // 2]


def without_a_part(archive: bytes) -> bytes:
    return rewritten(archive, lambda name, data: None if name == f"{CHAT}/00000003" else data)


def with_another_byte(archive: bytes) -> bytes:
    return rewritten(
        archive, lambda name, data: bytes([*data[:-1], data[-1] ^ 1]) if name == f"{OUT}/00000001" else data
    )


def of_a_later_release(archive: bytes) -> bytes:
    return rewritten(archive, lambda name, data: data.replace(b'"format": 1', b'"format": 9'))


def something_else(_: bytes) -> bytes:
    return b"-- PostgreSQL database dump" * 100


def rewritten(archive: bytes, change: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            data = change(member.name, file.read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (cut_off, "cut off"),
        (without_a_part, "lost a part"),
        (with_another_byte, "not as it was written"),
        (of_a_later_release, "has the format 9"),
        (something_else, "no backup of our streams"),
    ],
)
async def test_a_backup_that_is_not_whole_is_refused_and_leaves_nothing(
    full: RunningNats, harm: Any, word: str
) -> None:
    archive = await saved(full)
    Reader.checked(io.BytesIO(archive))
    harmed = harm(archive)
    with pytest.raises(ArchiveError, match=word):
        Reader.checked(io.BytesIO(harmed))
    async with fresh_server() as other:
        with pytest.raises(ArchiveError, match=word):
            await bring_back(other.bus_settings("topology"), io.BytesIO(harmed))
        for stream in (CHAT, OUT):
            async with connected(other, "topology") as client:
                answer = json.loads((await client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=5)).data)
            assert answer.get("state", {}).get("messages", 0) == 0
        # And it can be done again.
        await bring_back(other.bus_settings("topology"), io.BytesIO(archive))
        assert len((await state(other)).messages[CHAT]) == 63


async def test_a_server_that_dies_while_it_sends_leaves_no_backup_of_that_name(
    full: RunningNats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from provision import jetstream

    monkeypatch.setattr(jetstream, "TIMEOUT_S", 2.0)
    full.child.kill()
    await full.child.wait()
    with pytest.raises(SnapshotError, match="could not be saved"):
        await save(full.bus_settings("topology"), io.BytesIO())


async def test_the_step_writes_for_its_owner_alone_reads_it_back_and_says_how_much(
    full: RunningNats, tmp_path: Path
) -> None:
    file = tmp_path / "streams.tar"
    environ = {"NATS_URL": full.url, "NATS_PASSWORD": full.passwords["topology"], "PATH": ""}

    async def step(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "provision", *arguments, env=environ, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        return process.returncode or 0, said.decode()

    said = "messages: CHAT 63, OUT 1, DLQ 1, KV_sessions 1\n"
    assert await step("backup", str(file)) == (0, f"saved {said}")
    assert file.stat().st_mode & 0o777 == 0o600
    status, whole = await step("check", str(file))
    assert (status, whole.split(",")[0]) == (0, "whole")
    status, refused = await step("restore", str(file))
    assert (status, "--replace" in refused) == (1, True)
    assert await step("restore", "--replace", str(file)) == (0, f"{whole}brought back {said}")


def test_the_user_that_saves_streams_may_write_no_turn_and_hear_no_one() -> None:
    topology = next(user for user in USERS if user.user == "topology")
    assert topology.subscribe == ()
    assert not [subject for subject in topology.publish if subject.startswith(("evt.", "job.", "rpc.", "ctl."))]
