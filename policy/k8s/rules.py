"""Every rule of the suite, by the sentence that it holds."""

from collections.abc import Callable, Mapping
from typing import Final

from policy.k8s import edge_rules, edges, mounts, secrets, security, services, starting, wiring
from policy.k8s.objects import Complaints, Objects

Rule = Callable[[Objects], Complaints]

RULES: Final[Mapping[str, Rule]] = {
    "kinds are built in": wiring.kinds_are_built_in,
    "names are stable": wiring.names_are_stable,
    "objects are ours": wiring.objects_are_ours,
    "selectors match": wiring.selectors_match,
    "ports are there": wiring.ports_are_there,
    "services are there": wiring.services_are_there,
    "references exist": wiring.references_exist,
    "disruptions are bounded": wiring.disruptions_are_bounded,
    "updates keep serving": wiring.updates_keep_serving,
    "namespaces ask for restricted": security.namespaces_ask_for_restricted,
    "pods are restricted": security.pods_are_restricted,
    "containers are held": security.containers_are_held,
    "rights are few": security.rights_are_few,
    "secrets are known": secrets.are_known,
    "secrets are for their own": secrets.are_for_their_own,
    "secrets are nowhere else": secrets.are_nowhere_else,
    "settings are usable": services.settings_are_usable,
    "ports are the services' own": services.ports_are_the_services_own,
    "probes ask what is there": starting.probes_ask_what_is_there,
    "what comes before is there": starting.what_comes_before_is_there,
    "those who are asked are there": starting.those_who_are_asked_are_there,
    "volumes are where programs look": mounts.are_where_programs_look,
    "relays are reached": wiring.relays_are_reached,
    "ways in are the services' own": services.ways_in_are_the_services_own,
    "stopping takes its time": services.stopping_takes_its_time,
    "images are pinned": services.images_are_pinned,
    "open only with tokens": services.open_only_with_tokens,
    "edges equal the policies": edges.equal_the_policies,
    "rules are those of the edges": edge_rules.are_those_of_the_edges,
    "policies select somebody": edges.select_somebody,
}


def complaints(rule: str, objects: Objects) -> list[str]:
    return list(RULES[rule](objects))
