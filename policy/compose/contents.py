"""What is in a container: its image, what it is told, which secrets it sees, and how it says that it is well."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from policy.compose import declared
from policy.compose.known_variables import known
from policy.compose.project import ROOT, Complaints, Node, environment_of, services

_PINNED: Final = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._/:-]*?):(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]*)(@sha256:[0-9a-f]{64})?"
)
_SECRET_NAME: Final = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY|CREDENTIALS?)S?$")
_OF_THE_MODEL: Final = re.compile(r"host\.docker|MODEL|lmstudio|/v1\b|\b1234\b", re.IGNORECASE)


def is_pinned(project: Node) -> Complaints:
    """An image of a version: ours by our name, built of this folder; theirs by a tag that names one."""
    for name, service in services(project):
        match = _PINNED.fullmatch(service.get("image") or "")
        if match is None or match["tag"] == "latest":
            yield f"{name}: image {service.get('image')!r} has no tag that stays what it is"
            continue
        if name in declared.OURS:
            if match["name"] != f"todo-agent/{declared.OURS[name]}":
                yield f"{name}: image must be todo-agent/{declared.OURS[name]}, but is {match['name']}"
            if service.get("pull_policy") != "never":
                yield f"{name}: would be looked for in a registry, where that name may be anybody's"
        elif name not in declared.THEIRS:
            yield f"{name}: is not declared"
        elif match["name"] != declared.THEIRS[name]:
            yield f"{name}: image must be {declared.THEIRS[name]}, but is {match['name']}"
        elif not re.match(r"v?\d+\.\d+", match["tag"]):
            yield f"{name}: the tag {match['tag']} names no version"
        if name not in declared.OURS and "build" in service:
            yield f"{name}: is somebody else's, and built here"
        if service.get("profiles", []) != declared.PROFILES.get(name, []):
            yield f"{name}: profiles {service.get('profiles', [])}, declared {declared.PROFILES.get(name, [])}"
    built = {service["image"] for _, service in services(project) if "build" in service}
    for name, service in services(project):
        if name in declared.OURS and service["image"] not in built:
            yield f"{name}: nobody builds {service['image']}"


def is_told_what_it_knows(project: Node) -> Complaints:
    """Every variable is a setting of the service's own: one that is misspelt, or gone, would be taken in silence."""
    for name, service in services(project):
        for variable in sorted(set(environment_of(service)) - known(name)):
            yield f"{name}: {variable} is no setting of it"


def has_no_secret_in_its_environment(project: Node) -> Complaints:
    """`docker inspect` shows it. What a person gives in .env reaches the declared containers and no other."""
    for name, service in services(project):
        for variable, value in environment_of(service).items():
            if variable in declared.GIVEN.get(name, ()):
                continue
            if _SECRET_NAME.search(variable):
                yield f"{name}: {variable} is a secret in the environment"
            if re.search(r"://[^/@\s]+:[^/@\s]+@", value):
                yield f"{name}: {variable} has a password in its URL"
        if name == "coturn" and "test -s /run/secrets/turnserver.conf &&" not in " ".join(service["entrypoint"] or ()):
            yield f"{name}: without its configuration it would serve everybody, to everywhere"
        for word in [*(service.get("command") or ()), *(service.get("entrypoint") or ())]:
            if re.search(r"(?i)(password|secret|token)=", word):
                yield f"{name}: a secret on its command line, which every process list shows"


def tells_given_secrets_to_no_other(project: Node, given: dict[str, str]) -> Complaints:
    """`given`: variables with values that stand nowhere else, which the project was rendered with."""
    for name, service in services(project):
        allowed = declared.GIVEN.get(name, set())
        for variable, value in environment_of(service).items():
            for secret, marker in given.items():
                if marker in value and variable not in allowed:
                    yield f"{name}: {variable} holds {secret}"
        rest = {key: value for key, value in service.items() if key != "environment"}
        for secret, marker in given.items():
            if marker in repr(rest):
                yield f"{name}: {secret} stands outside of its environment"


def sees_its_own_secrets(project: Node) -> Complaints:
    """One folder, to read only, the container's own. Only the step that makes them sees all, and keeps what it made."""
    for name, service in services(project):
        mounted = {
            m["source"]: m for m in service.get("volumes") or () if str(m.get("source", "")).startswith("secrets-")
        }
        if name == "secrets":
            wanted = {*declared.SECRETS.values(), "secrets-kept"}
            for volume in sorted(wanted - set(mounted)):
                yield f"secrets: does not write {volume}"
            for volume in sorted(set(mounted) - wanted):
                yield f"secrets: writes {volume}, which nobody reads"
            for volume, mount in mounted.items():
                if mount["target"] != f"/secrets/{volume.removeprefix('secrets-')}":
                    yield f"secrets: {volume} is at {mount['target']}"
            continue
        own = declared.SECRETS.get(name)
        for volume, mount in mounted.items():
            if volume != own:
                yield f"{name}: sees {volume}"
            if not mount.get("read_only"):
                yield f"{name}: may write {volume}"
            if mount["target"] != "/run/secrets":
                yield f"{name}: {volume} is at {mount['target']}, not /run/secrets"
        if own is not None and own not in mounted:
            yield f"{name}: does not see {own}"


def shows_the_certificate_to_nginx_alone(project: Node) -> Complaints:
    """The folder of its own, not the one that keeps other users of the machine out."""
    for name, service in services(project):
        seen = {m["target"]: m["source"] for m in service.get("volumes") or () if "certs" in Path(m["source"]).parts}
        wanted = {"/certs": str(ROOT / "certs/served")} if name == "page" else {}
        if seen != wanted:
            yield f"{name}: sees the certificate as {seen}, not as {wanted}"


def says_whether_it_is_well(project: Node) -> Complaints:
    """A health check that asks the service itself, and nobody for the model server: one that is away is shown to
    people, and no reason to restart anything."""
    for name, service in services(project):
        check = service.get("healthcheck") or {}
        test = check.get("test") or []
        if name in declared.ONE_SHOTS or name in declared.NO_HEALTH_OF_OURS:
            continue
        if check.get("disable") or not test or test[0] != "CMD":
            yield f"{name}: has no health check by a command of its own"
            continue
        words = " ".join(test)
        if _OF_THE_MODEL.search(words):
            yield f"{name}: its health depends on the model server"
        if any(len(word.split()) != 1 for word in test):
            yield f"{name}: a word of its health check has a space in it, where podman's API would split it"
        if name in declared.OURS and name != "page":
            module = f"{name.replace('-', '_')}.healthcheck"
            if test != ["CMD", "python", "-m", module]:
                yield f"{name}: must be asked by python -m {module}"
            elif find_spec(module) is None:
                yield f"{name}: there is no {module}"
        for part in ("interval", "timeout", "retries", "start_period"):
            if not check.get(part):
                yield f"{name}: its health check has no {part}"
    postgres = " ".join((project["services"]["postgres"].get("healthcheck") or {}).get("test") or ())
    if "-h 127.0.0.1" not in postgres:
        yield "postgres: must be asked by its address: on the socket answers the one that makes the database"
    nats = " ".join((project["services"]["nats"].get("healthcheck") or {}).get("test") or ())
    if "js-enabled-only" not in nats:
        yield "nats: must be asked for JetStream too"


def asks_itself_and_no_proxy(project: Node) -> Complaints:
    """Docker passes on the proxies of whoever starts it, and busybox' wget knows no exception from them."""
    for name, service in services(project):
        test = (service.get("healthcheck") or {}).get("test") or []
        if "wget" in test and environment_of(service).get("http_proxy") != "":
            yield f"{name}: its health check would ask a proxy"
