"""The part of the Kubernetes API that is needed: read a Secret, make one that is not there, and add keys to one."""

import base64
import binascii
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from provision.errors import ProvisionError

ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds the token of its service account, the server's certificate and its own namespace."""
TIMEOUT_S: Final = 10.0
WAIT_S: Final = 60.0
PAUSE_S: Final = 1.0
PART_OF: Final = {"app.kubernetes.io/part-of": "todo-agent"}
MERGING: Final = "application/merge-patch+json"
_FOR_A_WHILE: Final = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Patience:
    """For how long a server that does not answer is asked again, and how long between."""

    wait_s: float = WAIT_S
    pause_s: float = PAUSE_S


@dataclass(frozen=True)
class Secrets:
    """The Secrets of one namespace. Made by `of_this_pod`."""

    client: httpx.Client = field(repr=False)
    namespace: str
    patience: Patience = Patience()

    def read(self, name: str) -> dict[str, str] | None:
        """What a Secret holds, None where there is none. Raises ProvisionError."""
        answer = self._asked("GET", f"{self._path}/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if answer.status_code != httpx.codes.OK:
            raise _refused(answer, "read", name)
        try:
            return {key: base64.b64decode(value).decode() for key, value in (answer.json().get("data") or {}).items()}
        except (ValueError, binascii.Error) as error:
            raise ProvisionError(f"Secret {name} holds what is no text; delete it, and it is made anew") from error

    def make(self, name: str, values: Mapping[str, str]) -> bool:
        """Make a Secret; False where there is one of that name by now, which is left alone. Raises ProvisionError."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": PART_OF},
            "type": "Opaque",
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
        }
        answer = self._asked("POST", self._path, body)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        if answer.status_code != httpx.codes.CREATED:
            raise _refused(answer, "make", name)
        return True

    def add(self, name: str, values: Mapping[str, str]) -> None:
        """Give a Secret further keys, and leave those that it has. Raises ProvisionError."""
        body = {"data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}}
        answer = self._asked("PATCH", f"{self._path}/{name}", body, {"Content-Type": MERGING})
        if answer.status_code != httpx.codes.OK:
            raise _refused(answer, "add to", name)

    @property
    def _path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets"

    def _asked(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        until = time.monotonic() + self.patience.wait_s
        while True:
            try:
                answer = self.client.request(method, path, json=body, headers=headers)
            except httpx.TransportError as error:
                if (why := _distrusted(error)) is not None:
                    raise ProvisionError(f"the API server's certificate is not one of ca.crt: {why}") from error
                # A network policy may take a moment.
                if time.monotonic() > until:
                    raise ProvisionError(f"the API server does not answer ({type(error).__name__})") from error
            else:
                if answer.status_code not in _FOR_A_WHILE or time.monotonic() > until:
                    return answer
            time.sleep(self.patience.pause_s)


@contextmanager
def of_this_pod(
    environ: Mapping[str, str] = os.environ, account: Path = ACCOUNT, patience: Patience = Patience()
) -> Iterator[Secrets]:
    """The Secrets of this pod's namespace, as its service account. Raises ProvisionError outside of a pod."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token, namespace = (_line(account / name) for name in ("token", "namespace"))
        trusted = _trusting(account / "ca.crt")
    except OSError as error:
        raise ProvisionError(f"{account} does not hold token, namespace and ca.crt of a service account") from error
    if not host:
        raise ProvisionError("KUBERNETES_SERVICE_HOST is not set: this is no pod of a cluster")
    place = f"[{host}]" if ":" in host else host
    with httpx.Client(
        base_url=f"https://{place}:{port}",
        headers={"Authorization": f"Bearer {token}"},
        verify=trusted,
        timeout=TIMEOUT_S,
        # The server is in the cluster: a proxy for the web has no business in between.
        trust_env=False,
    ) as client:
        yield Secrets(client, namespace, patience)


def _trusting(file: Path) -> ssl.SSLContext:
    """Trust in this one authority. Those of older clusters lack the key identifiers that Python 3.13 asks for."""
    context = ssl.create_default_context(cafile=str(file))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _distrusted(error: BaseException | None) -> str | None:
    """Why a certificate was not taken; None where that was not what was wrong."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_message
        error = error.__cause__ or error.__context__
    return None


def _line(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _refused(answer: httpx.Response, what: str, name: str) -> ProvisionError:
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ProvisionError(
            f"the service account may not {what} Secret {name} ({answer.status_code}); see Role cluster-secrets"
        )
    return ProvisionError(f"the API server would not {what} Secret {name}: it answered {answer.status_code}")
