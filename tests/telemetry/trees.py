"""What is wrong with the spans of one trace. Pure.

A trace is whole when one span of it has no parent, when every other one's parent is among them, and when each message
and each request is held by two spans of the right kinds: who sent it, and below that, who took it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from contracts import conventions

Value = str | bool | int | float

# Who may call or send to whom: a parent in another process is always the other half of the same exchange.
_OTHER_HALF: Final = {"SERVER": "CLIENT", "CONSUMER": "PRODUCER"}
_CLOCK_NS: Final = 5_000_000  # the clocks of two processes on one machine, as they are read


@dataclass(frozen=True)
class Received:
    """A span as it was exported."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    resource: Mapping[str, Value]
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    began_ns: int = 0
    ended_ns: int = 0
    failed: bool = False
    said: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        return str(self.resource.get(conventions.SERVICE_NAME))

    @property
    def label(self) -> str:
        return f"{self.service}: {self.name}"


@dataclass(frozen=True)
class Tree:
    """The spans of one trace, by their parents."""

    spans: Sequence[Received]
    by_id: Mapping[str, Received] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {span.span_id: span for span in self.spans})

    def parent(self, span: Received) -> Received | None:
        return self.by_id.get(span.parent_id or "")

    def named(self, service: str, name: str) -> list[Received]:
        return [span for span in self.spans if (span.service, span.name) == (service, name)]

    def path(self, span: Received) -> list[str]:
        """The span and everything above it, from the root."""
        above = self.parent(span)
        return [*([] if above is None else self.path(above)), span.label]

    def orphans(self) -> list[Received]:
        """Spans whose parent is not among them."""
        return [span for span in self.spans if span.parent_id is not None and span.parent_id not in self.by_id]

    def below(self, span: Received) -> list[Received]:
        children = [child for child in self.spans if child.parent_id == span.span_id]
        return [*children, *(under for child in children for under in self.below(child))]


def faults(spans: Iterable[Received]) -> list[str]:
    """All that is wrong with the spans of one trace; nothing if it is whole."""
    tree = Tree(list(spans))
    return [*_shape(tree), *(fault for span in tree.spans for fault in (*_kinds(tree, span), *_content(span)))]


def _shape(tree: Tree) -> list[str]:
    found = []
    if len({span.trace_id for span in tree.spans}) != 1:
        found.append("these are not the spans of one trace")
    roots = [span.label for span in tree.spans if span.parent_id is None]
    if len(roots) != 1:
        found.append(f"one root is wanted, found {sorted(roots)}")
    found += [f"{label} has lost its parent" for label in sorted(span.label for span in tree.orphans())]
    twice = [span_id for span_id, count in Counter(span.span_id for span in tree.spans).items() if count > 1]
    found += [f"{tree.by_id[span_id].label} came twice" for span_id in twice]
    return found


def _kinds(tree: Tree, span: Received) -> list[str]:
    found = []
    parent = tree.parent(span)
    if span.kind not in {"INTERNAL", "CLIENT", "SERVER", "PRODUCER", "CONSUMER"}:
        found.append(f"{span.label} has no kind")
    if parent is None:
        # Nobody else speaks on our bus: whoever sent it was in a trace.
        over_nats = span.attributes.get(conventions.RPC_SYSTEM_NAME) == conventions.NATS
        if span.parent_id is None and (
            (span.kind == "SERVER" and over_nats) or (span.kind == "CONSUMER" and not span.links)
        ):
            found.append(f"{span.label} does not know who sent it")
        return found
    remote = (span.service, span.resource.get(conventions.SERVICE_INSTANCE_ID)) != (
        parent.service,
        parent.resource.get(conventions.SERVICE_INSTANCE_ID),
    )
    wanted = _OTHER_HALF.get(span.kind)
    if wanted is not None and parent.kind != wanted:
        found.append(f"{span.label} is {span.kind}, but below {parent.label}, which is {parent.kind}")
    if remote and wanted is None:
        found.append(f"{span.label} is {span.kind}, but its parent is of another process, {parent.label}")
    if span.began_ns < parent.began_ns - _CLOCK_NS:
        found.append(f"{span.label} began before {parent.label}")
    return found


def _content(span: Received) -> list[str]:
    found = [
        f"{span.label} carries {name}, which conventions.py does not know"
        for name in span.attributes.keys() - conventions.SPAN_ATTRIBUTES
    ]
    missing = conventions.RESOURCE_ATTRIBUTES - span.resource.keys()
    if missing and span.service != conventions.PAGE:
        found.append(f"{span.label} does not say its {sorted(missing)}")
    if span.ended_ns < span.began_ns:
        found.append(f"{span.label} ended before it began")
    if any(span.said):
        found.append(f"{span.label} has words in its status or its events: {span.said}")
    if span.failed != (conventions.ERROR_TYPE in span.attributes):
        found.append(f"{span.label}: an error has a type, and what has a type is an error")
    return found
