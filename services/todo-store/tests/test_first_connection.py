"""How a database is met that is not there yet, that refuses, or that asks for TLS."""

import asyncio
import json
import os
import socket
import ssl
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from local_stack.temporary import RunningPostgres
from todo_store import migrations, readiness, sessions
from todo_store.errors import is_away
from todo_store.settings import Settings

BOUND_S = 30.0


async def migrating(url: str, **env: str) -> Process:
    given = {"PATH": os.environ["PATH"], "DATABASE_URL": url, **env}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "todo_store", "migrate", env=given, stdout=PIPE, stderr=PIPE
    )


async def ended(running: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(BOUND_S):
        _, said = await running.communicate()
    return running.returncode, said.decode()


async def test_migrating_waits_for_a_database_that_comes_later(database_url: str, postgres: RunningPostgres) -> None:
    """Its place answers nobody at first, then leads to the real one."""
    refused = asyncio.Event()
    place = f"127.0.0.1:{postgres.server.port}"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not refused.is_set():
            refused.set()
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", postgres.server.port)
        await asyncio.gather(passed(reader, back), passed(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        running = await migrating(database_url.replace(place, f"127.0.0.1:{port}"))
        status, said = await ended(running)
    assert (status, refused.is_set()) == (0, True), said


async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def test_a_wrong_password_is_not_tried_again(database_url: str, postgres: RunningPostgres) -> None:
    url = database_url.replace(postgres.passwords.store, "hunter2")
    status, said = await ended(await migrating(url, DATABASE_WAIT_S="600"))
    assert status == 1
    (line,) = said.strip().splitlines()
    assert json.loads(line)["message"] == "migration failed"
    assert "hunter2" not in said


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (ConnectionRefusedError(), True),
        (socket.gaierror(), True),
        (asyncpg.CannotConnectNowError("the database system is starting up"), True),
        (asyncpg.InvalidPasswordError("no"), False),
        (asyncpg.InvalidCatalogNameError("no"), False),
        (ssl.SSLCertVerificationError("no"), False),
    ],
)
def test_what_may_come_is_told_from_what_is_refused(error: Exception, away: bool) -> None:
    assert is_away(error) is away


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made_in(tmp_path_factory.mktemp("certificates"))


def made_in(folder: Path) -> tuple[Path, Path]:
    """The authority's file, and that of the server of `localhost`: its key and its certificate."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    authority, shown = folder / "ca.crt", folder / "server.pem"
    authority.write_text(signed)
    shown.write_text(private + signed)
    return authority, shown


@dataclass
class Door:
    """In front of a PostgreSQL, with TLS, which the wheel's own is built without."""

    url: str
    entered: int = 0


@pytest.fixture
async def door(certificates: tuple[Path, Path], database_url: str, postgres: RunningPostgres) -> AsyncIterator[Door]:
    """Of `localhost`. It asks for TLS first, as PostgreSQL's protocol has it (SSLRequest, answered by an S)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates[1])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert struct.unpack("!II", await reader.readexactly(8)) == (8, 80877103)
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except (ssl.SSLError, OSError):
            return
        found.entered += 1
        there, back = await asyncio.open_connection("127.0.0.1", postgres.server.port)
        await asyncio.gather(passed(reader, back), passed(there, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = database_url.replace(f"127.0.0.1:{postgres.server.port}", f"localhost:{port}")
        found = Door(f"{url}?ssl=verify-full")
        yield found


async def test_a_url_with_verify_full_serves_over_tls(
    door: Door, certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(certificates[0]))
    async with sessions.database(Settings(database_url=SecretStr(door.url))) as database:
        assert await readiness.missing_schema(database) is None
    assert await migrations.upgrade(door.url)
    assert door.entered >= 3


async def test_with_verify_full_a_server_of_another_name_is_not_believed(
    door: Door, certificates: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(certificates[0]))
    with pytest.raises(ssl.SSLCertVerificationError):
        await migrations.upgrade(door.url.replace("localhost", "127.0.0.1"))


async def test_with_verify_full_a_server_of_another_authority_is_not_believed(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLROOTCERT", str(made_in(tmp_path)[0]))
    with pytest.raises(ssl.SSLCertVerificationError):
        await migrations.upgrade(door.url)
