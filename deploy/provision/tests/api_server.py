"""The API server's side of Secrets, over TLS, for tests: reads and adds to by name, makes what is not there, asks for a
token and a right. https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TOKEN = "token-of-cluster-secrets"
PREFIX = "/api/v1/namespaces/todo-agent/secrets"


@dataclass
class ApiServer:
    """`secrets` by name, as stored. `readable`: what the Role names; None, everything."""

    account: Path
    port: int = 0
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    readable: frozenset[str] | None = None
    may_create: bool = True
    may_add: bool = True
    unwell: int = 0
    """So many requests are answered with 503 first."""
    made_by_another: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Appear when they are asked to be made: somebody was quicker."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(self.port)}

    def answer(self, method: str, path: str, token: str | None, body: Any) -> tuple[int, Any]:
        self.asked.append((method, path))
        self.unwell, unwell = max(0, self.unwell - 1), self.unwell
        if unwell or token != f"Bearer {TOKEN}":
            return _status(503 if unwell else 401)
        if not path.startswith(PREFIX):
            return _status(404)
        name = path.removeprefix(PREFIX).lstrip("/")
        match method:
            case "GET":
                return self._read(name)
            case "PATCH":
                return self._add(name, body)
            case _:
                return self._make(body)

    def _read(self, name: str) -> tuple[int, Any]:
        if not name or (self.readable is not None and name not in self.readable):
            return _status(403)
        found = self.secrets.get(name)
        return _status(404) if found is None else (200, found)

    def _add(self, name: str, body: Any) -> tuple[int, Any]:
        """application/merge-patch+json (RFC 7386), of what holds no null."""
        status, found = self._read(name) if self.may_add else _status(403)
        if status == 200:
            found["data"] = {**found.get("data", {}), **body["data"]}
        return status, found

    def _make(self, body: Any) -> tuple[int, Any]:
        if not self.may_create:
            return _status(403)
        name = body["metadata"]["name"]
        if name in self.made_by_another:
            self.secrets[name] = self.made_by_another.pop(name)
        if name in self.secrets:
            return _status(409)
        self.secrets[name] = body
        return 201, body


def _status(code: int) -> tuple[int, Any]:
    return code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code}


@contextmanager
def serving(folder: Path) -> Iterator[ApiServer]:
    """The server, and what a pod finds of its service account in `folder`."""
    authority, chain = _certificates()
    account = {"ca.crt": authority, "tls.pem": chain, "token": TOKEN, "namespace": "todo-agent"}
    for name, content in account.items():
        (folder / name).write_text(content)
    api = ApiServer(folder)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            if self.command == "PATCH" and self.headers.get("Content-Type") != "application/merge-patch+json":
                body = {"data": {"patched": "as something else"}}
            status, told = api.answer(self.command, self.path, self.headers.get("Authorization"), body)
            sent = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - as the standard library calls them

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    api.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificates() -> tuple[str, str]:
    """An authority, and the key and the certificate of 127.0.0.1 that it signed; neither names a key by an identifier,
    as those of older clusters do not.
    """
    own_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    own_name, name = _named("kubernetes"), _named("kube-apiserver")
    own = _unsigned(own_name, own_name, own_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    served = _unsigned(own_name, name, key).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority, certificate = (
        one.sign(own_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode() for one in (own, served)
    )
    return authority, private.decode() + certificate


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _unsigned(issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
    )
