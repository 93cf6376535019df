"""`make certs` makes a certificate that TLS takes, once, and keeps its key from the other users of the machine."""

import os
import shutil
import ssl
import stat
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

MAKE = Path(__file__).parents[1] / "make.sh"
BOUND_S = 60
TOOLS = ("sh openssl sed tail sort grep paste mktemp rm chmod mkdir mv cat dirname tr").split()  # noqa: SIM905
NOBODY = 65534
NGINX = 101


@pytest.fixture
def without_mkcert(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has all that is needed but mkcert."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (folder / tool).symlink_to(found)
    return {"PATH": str(folder)}


@pytest.fixture
def with_mkcert(tmp_path: Path) -> dict[str, str]:
    """An environment with mkcert and an authority of the test's own."""
    if shutil.which("mkcert") is None:
        reason = "mkcert is not installed: sudo apt-get install mkcert"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return {"PATH": os.environ["PATH"], "CAROOT": str(tmp_path / "authority"), "TRUST_STORES": "none"}


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    return tmp_path / "certs"


def make(certs: Path, environment: Mapping[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    # Addresses of its own, so that no .env of whoever runs this has a say.
    given = {"DOCKER_HOST_IP": "127.0.0.1", "PUBLISHED_ON": "127.0.0.1", "HOME": str(certs.parent), **variables}
    return subprocess.run(
        ["sh", MAKE],
        env={**environment, **given, "CERTS": str(certs)},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


def made(certs: Path, environment: Mapping[str, str], **variables: str) -> str:
    done = make(certs, environment, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=BOUND_S, check=True).stdout


def anothers(certs: Path, days: int, *names: str, subject: str = "/CN=todo.example") -> None:
    """A certificate that was not made here."""
    served = certs / "served"
    served.mkdir(parents=True)
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days)]
    alternatives = ",".join(names)
    openssl(
        "req", *kind, "-subj", subject, "-addext", f"subjectAltName={alternatives}",
        "-keyout", served / "key.pem", "-out", served / "cert.pem",
    )  # fmt: skip


def serves(certs: Path, authority: Path, name: str) -> None:
    """A handshake for `name` with the certificate, by whoever trusts `authority`. Raises ssl.SSLError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certs / "served/cert.pem", certs / "served/key.pem")
    client = ssl.create_default_context(cafile=authority)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    for _ in range(4):
        for side in (theirs, ours):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def test_without_mkcert_it_is_signed_by_itself_and_says_that_browsers_warn(
    certs: Path, without_mkcert: Mapping[str, str]
) -> None:
    said = made(certs, without_mkcert, DOCKER_HOST_IP="192.168.1.20", CERT_NAMES="todo.lan,desk.lan")
    assert "every browser warns" in said
    for name in ("localhost", "127.0.0.1", "::1", "192.168.1.20", "todo.lan", "desk.lan"):
        serves(certs, certs / "served/cert.pem", name)
    with pytest.raises(ssl.SSLCertVerificationError):
        serves(certs, certs / "served/cert.pem", "other.lan")


def test_it_is_good_for_longer_than_a_month_and_for_no_longer_than_browsers_take(
    certs: Path, without_mkcert: Mapping[str, str]
) -> None:
    made(certs, without_mkcert)
    end = openssl("x509", "-in", certs / "served/cert.pem", "-noout", "-enddate").strip().removeprefix("notAfter=")
    left = datetime.strptime(end, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=390) < left < timedelta(days=398)


def test_by_mkcert_it_is_trusted_by_whoever_trusts_its_authority(certs: Path, with_mkcert: Mapping[str, str]) -> None:
    said = made(certs, with_mkcert, PUBLISHED_ON="192.168.1.20")
    authority = Path(with_mkcert["CAROOT"]) / "rootCA.pem"
    assert str(authority) in said
    assert "mkcert -install" in said
    for name in ("localhost", "127.0.0.1", "192.168.1.20"):
        serves(certs, authority, name)


@pytest.mark.parametrize("kind", ["without_mkcert", "with_mkcert"])
def test_a_second_run_leaves_a_good_one_alone(certs: Path, kind: str, request: pytest.FixtureRequest) -> None:
    environment = request.getfixturevalue(kind)
    made(certs, environment)
    before = contents(certs)
    assert "left as it is" in made(certs, environment)
    assert contents(certs) == before


def test_a_further_name_makes_a_new_one(certs: Path, without_mkcert: Mapping[str, str]) -> None:
    made(certs, without_mkcert)
    made(certs, without_mkcert, CERT_NAMES="todo.lan")
    serves(certs, certs / "served/cert.pem", "todo.lan")


def test_one_of_ours_that_ends_within_a_month_is_made_anew(certs: Path, without_mkcert: Mapping[str, str]) -> None:
    names = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
    anothers(certs, 20, *names, subject="/CN=todo-agent, signed by itself")
    before = contents(certs)
    made(certs, without_mkcert)
    assert contents(certs) != before
    assert "left as it is" in made(certs, without_mkcert)


def test_a_key_that_is_not_the_certificates_is_made_anew(certs: Path, without_mkcert: Mapping[str, str]) -> None:
    made(certs, without_mkcert)
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", certs / "served/key.pem")
    made(certs, without_mkcert)
    serves(certs, certs / "served/cert.pem", "localhost")


def test_one_that_is_signed_by_itself_gives_way_to_mkcert(
    certs: Path, without_mkcert: Mapping[str, str], with_mkcert: Mapping[str, str]
) -> None:
    made(certs, without_mkcert)
    made(certs, with_mkcert)
    serves(certs, Path(with_mkcert["CAROOT"]) / "rootCA.pem", "localhost")


def test_somebody_elses_is_left_alone_and_complained_of_when_it_is_not_good(
    certs: Path, without_mkcert: Mapping[str, str]
) -> None:
    anothers(certs, 90, "DNS:localhost", "IP:127.0.0.1", "IP:::1")
    before = contents(certs)
    assert "left as it is" in made(certs, without_mkcert)
    refused = make(certs, without_mkcert, CERT_NAMES="todo.lan")
    assert refused.returncode == 1
    assert "is not ours" in refused.stderr
    assert contents(certs) == before


@pytest.mark.parametrize("name", ["a;b", "$(id)", "-x", "a/b", "*"])
def test_what_is_no_name_is_refused(certs: Path, without_mkcert: Mapping[str, str], name: str) -> None:
    refused = make(certs, without_mkcert, CERT_NAMES=name)
    assert refused.returncode == 1
    assert "neither a name nor an address" in refused.stderr
    assert not (certs / "served/cert.pem").exists()


@pytest.mark.parametrize("kind", ["without_mkcert", "with_mkcert"])
def test_the_folder_around_the_key_is_its_owners_alone(certs: Path, kind: str, request: pytest.FixtureRequest) -> None:
    made(certs, request.getfixturevalue(kind))
    assert stat.S_IMODE(certs.stat().st_mode) == 0o700
    assert {path.name for path in (certs / "served").iterdir()} == {"cert.pem", "key.pem"}
    for path in (certs / "served").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.fixture
def as_root() -> None:
    """Skipped by name for anybody else, and a failure where CI=true."""
    if os.geteuid() != 0:
        reason = "to be somebody else, and to mount, one has to be root"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.mark.usefixtures("as_root")
def test_another_user_reads_no_key_and_nginx_behind_a_mount_of_the_folder_does(
    without_mkcert: Mapping[str, str],
) -> None:
    # Not pytest's own folder, which is closed to others by itself.
    with TemporaryDirectory(prefix="todo-agent-certs-") as place:
        Path(place).chmod(0o755)
        certs, mounted = Path(place) / "certs", Path(place) / "container"
        made(certs, without_mkcert)
        mounted.mkdir(mode=0o755)
        key = certs / "served/key.pem"
        assert "PRIVATE KEY" not in run(*as_user(NOBODY), "cat", str(key))
        script = f'mount --bind "$1" "$2" && exec {" ".join(as_user(NGINX))} cat "$2/key.pem"'
        behind = ("unshare", "--mount", "sh", "-c", script, "sh", str(certs / "served"), str(mounted))
        assert "PRIVATE KEY" in run(*behind)
        certs.chmod(0o755)
        assert "PRIVATE KEY" in run(*as_user(NOBODY), "cat", str(key))


def as_user(user: int) -> tuple[str, ...]:
    return ("setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups")


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False).stdout


def contents(certs: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (certs / "served").iterdir()}
