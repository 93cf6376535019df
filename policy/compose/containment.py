"""What every container is held in: what it may write, be, use up, and how it is stopped and started again."""

import math
import re
from typing import Final

from policy.compose import declared
from policy.compose.project import ROOT, Complaints, Node, seconds, services

from provision.nats_server import Place, configuration
from runtime.process import DRAIN_TIMEOUT_S

MEMORY_MAX: Final = 2 * 1024**3
PIDS_MAX: Final = 1024
NGINX: Final = ROOT / "deploy/nginx/nginx.conf"
POSTGRES_CHECKPOINT_S: Final = 30.0
"""Of PostgreSQL's fast shutdown: it ends what is asked at once and writes what is dirty."""


def keeps_its_root_closed(project: Node) -> Complaints:
    """Nothing but declared volumes and bounded folders in memory can be written."""
    for name, service in services(project):
        if name in declared.WRITABLE:
            continue
        if service.get("read_only") is not True:
            yield f"{name}: its root must be read_only"
        for mount in service.get("tmpfs") or ():
            if "size=" not in mount:
                yield f"{name}: tmpfs {mount} has no size"


def has_no_privileges(project: Node) -> Complaints:
    """No capability that is not declared, no way to get one, nothing of the machine's own."""
    for name, service in services(project):
        if name not in declared.CAPABLE and service.get("cap_drop") != ["ALL"]:
            yield f"{name}: cap_drop must be [ALL]"
        if (service.get("cap_add") or []) != declared.CAPABILITIES.get(name, []):
            yield f"{name}: cap_add is {service.get('cap_add')}, declared is {declared.CAPABILITIES.get(name, [])}"
        if "no-new-privileges:true" not in (service.get("security_opt") or ()):
            yield f"{name}: security_opt lacks no-new-privileges:true"
        for option in service.get("security_opt") or ():
            if "unconfined" in option:
                yield f"{name}: security_opt {option} takes a guard away"
        for given in ("privileged", "devices", "device_cgroup_rules", "pid", "ipc", "userns_mode", "cgroup", "uts"):
            if service.get(given):
                yield f"{name}: {given} is the machine's own"
        if service.get("network_mode") not in (None, "none"):
            yield f"{name}: network_mode {service['network_mode']}"


def is_not_root(project: Node) -> Complaints:
    """A user and a group by number, as only numbers are sure to be the ones that files belong to. Ours are 10001."""
    for name, service in services(project):
        if name in declared.ROOTS:
            continue
        user = str(service.get("user", ""))
        if not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user):
            yield f"{name}: user must be two numbers and neither of them root, but is {user!r}"
        elif declared.OURS.get(name, "page") != "page" and user != "10001:10001":
            yield f"{name}: user must be 10001:10001, whose files the volumes hold, but is {user}"


def mounts_nothing_of_the_machine_to_write(project: Node) -> Complaints:
    """Files of this folder alone, to read only. Docker's socket is the machine."""
    for name, service in services(project):
        for mount in service.get("volumes") or ():
            if mount["type"] != "bind":
                continue
            if not mount.get("read_only"):
                yield f"{name}: {mount['target']} must be mounted read-only"
            if mount["source"].startswith(("/var/run", "/run", "/etc", "/proc", "/sys", "/dev")):
                yield f"{name}: {mount['source']} is the machine's own"


def is_bounded(project: Node) -> Complaints:
    """Memory, processes and logs have an end."""
    for name, service in services(project):
        if not 0 < int(service.get("mem_limit") or 0) <= MEMORY_MAX:
            yield f"{name}: mem_limit must be between 1 and {MEMORY_MAX}"
        if not 0 < int(service.get("pids_limit") or 0) <= PIDS_MAX:
            yield f"{name}: pids_limit must be between 1 and {PIDS_MAX}"
        logging = service.get("logging") or {}
        options = logging.get("options") or {}
        if logging.get("driver") not in {"json-file", "local"} or not {"max-size", "max-file"} <= set(options):
            yield f"{name}: logging has no max-size and max-file"


def comes_back(project: Node) -> Complaints:
    """What runs for long is started again, what runs once is not; somebody reaps children and passes signals on."""
    for name, service in services(project):
        wanted = "no" if name in declared.ONE_SHOTS else "unless-stopped"
        if service.get("restart") != wanted:
            yield f"{name}: restart must be {wanted}, but is {service.get('restart')}"
        if name not in declared.OWN_INIT and service.get("init") is not True:
            yield f"{name}: init must be true"


def has_time_to_end(project: Node) -> Complaints:
    """Docker kills after 10 s. Whoever drains or writes for longer needs longer."""
    for name, service in services(project):
        needs = _needs_s(name)
        if needs and seconds(service.get("stop_grace_period")) <= needs:
            yield f"{name}: stop_grace_period {service.get('stop_grace_period')} is not longer than its {needs:.0f} s"


def _needs_s(name: str) -> float:
    if name == "nats":
        return _lame_duck_s()
    if name == "postgres":
        return POSTGRES_CHECKPOINT_S
    if name == "page":
        return _nginx_waits_s()
    ours = name in declared.OURS and name != "page" and name not in declared.ONE_SHOTS
    return DRAIN_TIMEOUT_S if ours else 0.0


def _lame_duck_s() -> float:
    settings = configuration(Place(name="any", listen="", store=""), {}, users=())
    return seconds(str(settings["lame_duck_duration"]))


def _nginx_waits_s() -> float:
    found = re.search(r"^worker_shutdown_timeout (\d+)s;$", NGINX.read_text(), re.MULTILINE)
    # Without it, nginx waits for as long as anybody has the page open.
    return float(found[1]) if found else math.inf
