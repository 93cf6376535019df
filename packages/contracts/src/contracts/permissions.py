"""What each service's NATS user may publish and subscribe to. In force from the first day, locally too."""

from dataclasses import dataclass
from typing import Final

from contracts import streams, subjects


@dataclass(frozen=True)
class Permissions:
    """Allow-lists; everything else is denied, but for the user's own inbox (`inbox_prefix.>`). A responder
    may also publish to the inboxes of requests it received, `responses` times each, within a minute. Subscriptions may
    carry a queue, as `subject queue`."""

    user: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    responses: int = 0

    @property
    def inbox_prefix(self) -> str:
        """Replies come here, where no other user may listen."""
        return f"_INBOX_{self.user}"


OWN_PERMISSIONS: Final = "$SYS.REQ.USER.INFO"
"""Tells a user its own permissions, and nothing of anybody else; a service compares them with what it needs."""


def _ack(stream: str, consumer: str) -> tuple[str, ...]:
    # The second form is that of servers which put domain and account in front (ADR-15).
    return (f"$JS.ACK.{stream}.{consumer}.>", f"$JS.ACK.*.*.{stream}.{consumer}.>")


SIGNALING: Final = Permissions(
    user="signaling",
    publish=(
        OWN_PERMISSIONS,
        subjects.RTC_OFFER,
        "rpc.rtc.i.*.candidate",
        "rpc.rtc.i.*.close",
        "$KV.sessions.*",
        f"$JS.API.DIRECT.GET.{streams.SESSIONS}.>",
    ),
    subscribe=(f"{subjects.AUTH_VERIFY} {subjects.QUEUE_AUTH}",),
    responses=1,
)
RTC_GATEWAY: Final = Permissions(
    user="rtc-gateway",
    publish=(
        OWN_PERMISSIONS,
        "evt.chat.*.*.start",
        "ctl.turn.*.cancel",
        subjects.ANY_SESSION_ENTERED,
        subjects.AUTH_VERIFY,
        subjects.OPS_RUN,
        subjects.TODO_SNAPSHOT,
        subjects.TODO_CHANGES,
        subjects.TODO_CANCEL,
        # History and replay: read CHAT and OUT by subject, without a consumer.
        f"$JS.API.DIRECT.GET.{streams.CHAT}",
        f"$JS.API.DIRECT.GET.{streams.CHAT}.>",
        f"$JS.API.DIRECT.GET.{streams.OUT}",
        f"$JS.API.DIRECT.GET.{streams.OUT}.>",
    ),
    subscribe=(
        f"{subjects.RTC_OFFER} {subjects.QUEUE_RTC}",
        "rpc.rtc.i.*.candidate",
        "rpc.rtc.i.*.close",
        "live.evt.*.*.>",
        "evt.todo.*.changed",
        subjects.ANY_SESSION_ENTERED,
        subjects.ANY_AGENT_MODEL,
    ),
    responses=1,
)
AGENT: Final = Permissions(
    user="agent",
    publish=(
        OWN_PERMISSIONS,
        f"$JS.API.CONSUMER.MSG.NEXT.{streams.CHAT}.*",
        *_ack(streams.CHAT, "*"),
        "evt.chat.*.*.completed",
        "evt.out.*.*.*",
        "live.evt.prose.*.*.delta",
        subjects.ANY_AGENT_MODEL,
        "dlq.chat.*.*",
        subjects.TODO_SNAPSHOT,
        subjects.TODO_APPLY,
        subjects.TODO_TAKE_OVER,
        subjects.TODO_CANCEL,
        subjects.TODO_CHANGES,
        subjects.TODO_SEARCH,
        subjects.TODO_REMEMBER,
        # The sweeper looks for starts without a completion that no consumer hands out any more.
        f"$JS.API.DIRECT.GET.{streams.CHAT}",
        f"$JS.API.DIRECT.GET.{streams.CHAT}.>",
        f"$JS.API.CONSUMER.INFO.{streams.CHAT}.*",
        # For metrics: how far its consumers are behind, and how many turns were given up.
        f"$JS.API.CONSUMER.LIST.{streams.CHAT}",
        f"$JS.API.STREAM.INFO.{streams.CHAT}",
        f"$JS.API.STREAM.INFO.{streams.DLQ}",
    ),
    subscribe=(
        subjects.LIVE_JOBS,
        subjects.CANCEL_ANY_TURN,
        f"{subjects.OPS_RUN} {subjects.QUEUE_OPS}",
    ),
    responses=1,
)
TODO_STORE: Final = Permissions(
    user="todo-store",
    publish=(OWN_PERMISSIONS, "evt.todo.*.changed"),
    subscribe=(f"rpc.todo.v1.> {subjects.QUEUE_TODO}",),
    # A snapshot is a series of messages.
    responses=1000,
)
MCP_BRIDGE: Final = Permissions(
    user="mcp-bridge",
    publish=(OWN_PERMISSIONS, subjects.OPS_RUN, subjects.TODO_SNAPSHOT, subjects.TODO_CHANGES, subjects.TODO_SEARCH),
    subscribe=("evt.todo.*.changed",),
)
TOPOLOGY: Final = Permissions(
    user="topology",
    publish=(
        "$JS.API.INFO",
        "$JS.API.STREAM.>",
        "$JS.API.CONSUMER.>",
        # A backup: acknowledge a snapshot's parts, send them back, and mark the sessions that came out of one.
        "$JS.SNAPSHOT.ACK.>",
        "$JS.SNAPSHOT.RESTORE.>",
        "$KV.sessions.*",
    ),
    subscribe=(),
)

USERS: Final = (SIGNALING, RTC_GATEWAY, AGENT, TODO_STORE, MCP_BRIDGE, TOPOLOGY)
