"""nginx' places, written by the image's own script from what the page's pod has in its environment."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from policy.k8s.objects import environment, named, pods
from policy.k8s.rendering import K8S, OVERLAYS, ROOT, objects_of


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pages_nginx_is_told_where_the_services_are(overlay: str, tmp_path: Path) -> None:
    objects = objects_of(overlay)
    page = next(one for one in pods(objects) if one.name == "page")
    given = environment(objects, page, page.main)
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 10.96.0.10\nsearch todo-agent.svc.k8s.home svc.k8s.home k8s.home\n")
    subprocess.run(
        ["sh", str(ROOT / "deploy" / "nginx" / "30-places.sh")],
        env={
            "PATH": os.defpath,
            "PLACES": str(tmp_path),
            "CERTS": str(tmp_path / "none"),
            "RESOLV_CONF": str(resolv),
            **given,
        },
        check=True,
        timeout=20,
    )
    written = (tmp_path / "upstreams.conf").read_text()
    for name in ("signaling", "mcp-bridge"):
        service = named(objects, "Service", name)
        assert service is not None
        port = service["spec"]["ports"][0]["port"]
        assert f'"{name}.{service["metadata"]["namespace"]}.svc.k8s.home:{port}"' in written


def test_prometheus_takes_the_relabelling_and_the_job_is_the_services_name(tmp_path: Path) -> None:
    """Debian's Prometheus is built without Kubernetes' discovery, so that alone is left out of what it checks."""
    told = yaml.safe_load((K8S / "components" / "observability" / "prometheus.yml").read_text("utf-8"))
    (job,) = told["scrape_configs"]
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod", "namespaces": {"names": ["todo-agent"]}}]
    assert [one["source_labels"] for one in job["relabel_configs"] if one.get("target_label") == "job"] == [
        ["__meta_kubernetes_pod_label_app_kubernetes_io_name"]
    ]
    promtool = shutil.which("promtool")
    if promtool is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("needs promtool, of Debian's prometheus")
    file = tmp_path / "prometheus.yml"
    file.write_text(yaml.safe_dump(told))
    check = [promtool, "check", "config", "--syntax-only", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_scraped_is_what_has_a_port_called_metrics() -> None:
    objects = objects_of("production")
    scraped = {pod.name for pod in pods(objects) for port in pod.ports if port["name"] == "metrics"}
    assert scraped == {"signaling", "rtc-gateway", "agent", "todo-store", "mcp-bridge", "nats", "coturn"}
