"""All rules about a project as it is rendered, each a function that yields what is wrong."""

from collections.abc import Callable
from typing import Final

from policy.compose import containment, contents, wiring
from policy.compose.project import Complaints, Node

LOOPBACK: Final = {"PUBLISHED_ON": "127.0.0.1", "DOCKER_HOST_IP": "127.0.0.1"}


def publishes_what_is_declared(project: Node) -> Complaints:
    yield from wiring.publishes(project, LOOPBACK)


RULES: Final[tuple[Callable[[Node], Complaints], ...]] = (
    containment.keeps_its_root_closed,
    containment.has_no_privileges,
    containment.is_not_root,
    containment.mounts_nothing_of_the_machine_to_write,
    containment.is_bounded,
    containment.comes_back,
    containment.has_time_to_end,
    wiring.is_on_its_networks,
    wiring.stays_apart,
    publishes_what_is_declared,
    wiring.publishes_on_loopback_alone,
    wiring.starts_after,
    contents.is_pinned,
    contents.is_told_what_it_knows,
    contents.has_no_secret_in_its_environment,
    contents.sees_its_own_secrets,
    contents.shows_the_certificate_to_nginx_alone,
    contents.says_whether_it_is_well,
    contents.asks_itself_and_no_proxy,
)
