"""nginx in front of the page sends what signaling sends where it serves the page itself."""

import re
import subprocess
from pathlib import Path

import pytest

from signaling.page import _FOR_EVER, _HASHED, _SECURITY_HEADERS

NGINX = Path(__file__).parents[1]
PLACES = NGINX / "30-places.sh"


def test_the_pages_headers_are_those_that_signaling_sends() -> None:
    site = (NGINX / "site.conf").read_text()
    sent = dict(re.findall(r'^add_header (\S+) "?([^"\n]+?)"? always;$', site, re.MULTILINE))
    assert sent == _SECURITY_HEADERS


def test_what_never_changes_is_kept_by_browsers_as_signaling_has_it() -> None:
    pattern, kept = re.findall(r'^\s+"~(\^/assets/\S+)" "(.+)";$', (NGINX / "nginx.conf").read_text(), re.MULTILINE)[0]
    assert (pattern.removeprefix("^"), kept) == (_HASHED.pattern, _FOR_EVER)


def places(tmp_path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    surroundings = {"PATH": "/usr/bin:/bin", "PLACES": str(tmp_path / "nginx"), "CERTS": str(tmp_path / "certs")}
    return subprocess.run(
        [PLACES], env={**surroundings, **environ}, capture_output=True, text=True, timeout=10, check=False
    )


def test_the_services_are_where_the_environment_says(tmp_path: Path) -> None:
    assert places(tmp_path, SIGNALING="signaling.todo.svc.cluster.local:8080").returncode == 0
    upstreams = (tmp_path / "nginx" / "upstreams.conf").read_text()
    assert 'set $signaling "signaling.todo.svc.cluster.local:8080";' in upstreams
    assert 'set $mcp_bridge "mcp-bridge:8080";' in upstreams
    assert (tmp_path / "nginx" / "tls.conf").read_text() == ""


def test_names_are_asked_of_the_first_server_alone(tmp_path: Path) -> None:
    """nginx would ask both in turn, and the second does not know a container's name."""
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("search dns.podman\nnameserver 10.187.2.1\nnameserver 9.9.9.9\n")
    assert places(tmp_path, RESOLV_CONF=str(resolv_conf)).returncode == 0
    assert "resolver 10.187.2.1 valid=5s;" in (tmp_path / "nginx" / "resolver.conf").read_text()
    resolv_conf.write_text("nameserver fd00::1\n")
    assert places(tmp_path, RESOLV_CONF=str(resolv_conf)).returncode == 0
    assert "resolver [fd00::1] valid=5s;" in (tmp_path / "nginx" / "resolver.conf").read_text()
    resolv_conf.write_text("search nowhere\n")
    assert f"{resolv_conf} names no server" in places(tmp_path, RESOLV_CONF=str(resolv_conf)).stderr


@pytest.mark.parametrize(
    ("searched", "domain"),
    [
        ("search todo-agent.svc.k8s.home svc.k8s.home k8s.home lan", "k8s.home"),
        ("search lan svc.cluster.local", "cluster.local"),
        ("search lan", "cluster.local"),
        ("", "cluster.local"),
    ],
)
def test_on_kubernetes_the_clusters_domain_is_added(tmp_path: Path, searched: str, domain: str) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver 10.96.0.10\n{searched}\noptions ndots:5\n")
    assert places(tmp_path, SIGNALING="signaling.todo-agent.svc:8080", RESOLV_CONF=str(resolv)).returncode == 0
    upstreams = (tmp_path / "nginx" / "upstreams.conf").read_text()
    assert f'set $signaling "signaling.todo-agent.svc.{domain}:8080";' in upstreams
    assert 'set $mcp_bridge "mcp-bridge:8080";' in upstreams


@pytest.mark.parametrize("place", ['a:1"; return 200 "', "a b:1", ":8080", "signaling:"])
def test_what_is_no_place_is_refused_by_name(tmp_path: Path, place: str) -> None:
    done = places(tmp_path, MCP_BRIDGE=place)
    assert done.returncode == 1
    assert f"'{place}' is not a place" in done.stderr


def test_a_certificate_turns_tls_on_and_half_of_one_ends_the_start(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    certs.mkdir()
    (certs / "cert.pem").write_text("chain")
    done = places(tmp_path)
    assert (done.returncode, f"cannot read {certs}/cert.pem and {certs}/key.pem" in done.stderr) == (1, True)
    (certs / "cert.pem").unlink()
    (certs / "cert.pem").symlink_to(certs / "gone.pem")
    assert places(tmp_path).returncode == 1
    (certs / "gone.pem").write_text("chain")
    (certs / "key.pem").write_text("key")
    assert places(tmp_path).returncode == 0
    assert f"ssl_certificate_key {certs}/key.pem;" in (tmp_path / "nginx" / "tls.conf").read_text()
