"""Connections: who comes in, by which way, how it feels, and why it ends."""

from typing import Final

from dashboards.links import runbook, traces
from dashboards.panels import Dashboard, Query, Row, Series, Source, Stat, Steps, Unit
from dashboards.promql import happened, per_minute, per_second, quantile, share

CONNECT: Final = "todo_rtc_connect_duration_seconds"

_NOW: Final = Row(
    "At a glance",
    (
        Stat("Sessions", Query("sum(todo_rtc_sessions)"), Unit.COUNT, "Pages that are connected, or being connected."),
        Stat(
            "Room",
            Query("sum(todo_rtc_room)"),
            Unit.COUNT,
            "Sessions that all gateways together can still take. A gateway that drains has none.",
            steps=Steps(warning=50, bad=1, falling=True),
            links=(runbook("no-capacity"),),
        ),
        Stat(
            "Connected within",
            Query(quantile(0.95, CONNECT)),
            Unit.SECONDS,
            "19 of 20 pages, from the offer to the open channel, as they measure it themselves.",
            steps=Steps(warning=2, bad=5),
        ),
        Stat(
            "Relayed",
            Query(
                share(
                    happened(f"{CONNECT}_count", where='local="relay"'),
                    f"sum(increase({CONNECT}_count[$__range]))",
                )
            ),
            Unit.SHARE,
            "Share of connections through TURN. With gateways in a private network all of them are, and that is right.",
        ),
        Stat(
            "Round trip",
            Query(quantile(0.5, "todo_rtc_round_trip_duration_seconds")),
            Unit.SECONDS,
            "Median of our pings to pages over the data channel.",
            steps=Steps(warning=0.3, bad=1),
        ),
        Stat(
            "Turned away",
            Query(happened("todo_signaling_offers_total", where='result="capacity"')),
            Unit.COUNT,
            "Offers that no gateway had room for.",
            steps=Steps(bad=0.5),
            links=(runbook("no-capacity"),),
        ),
    ),
)

_IN: Final = Row(
    "Coming in",
    (
        Series(
            "Hellos",
            (Query(per_minute("todo_signaling_hellos_total", "outcome"), "{{outcome}}"),),
            Unit.PER_MINUTE,
            "What signaling answered: admitted, resumed, or a code. Unauthorised are tokens that do not verify.",
            stacked=True,
        ),
        Series(
            "Offers",
            (
                Query(per_minute("todo_signaling_offers_total", "result"), "signaling: {{result}}"),
                Query(per_minute("todo_rtc_offers_total", "result"), "gateways: {{result}}"),
            ),
            Unit.PER_MINUTE,
            "As signaling saw them answered, and as gateways answered. Timeouts are gateways that are gone or stuck.",
            links=(traces("Offers", '{ span.rpc.method = "rpc.rtc.v1.offer" }'),),
        ),
        Series(
            "Channels opened",
            (Query(per_minute("todo_rtc_channels_opened_total", "session"), "{{session}}"),),
            Unit.PER_MINUTE,
            "New sessions, and sessions that came back. Many that come back: networks, or a gateway that restarts.",
            stacked=True,
        ),
        Series(
            "Time to connect, 19 of 20",
            (Query(quantile(0.95, CONNECT, "local", "remote", "protocol"), "{{local}} to {{remote}}, {{protocol}}"),),
            Unit.SECONDS,
            "By the path that ICE chose: the page's end and the gateway's. Slow relays point at TURN.",
            links=(runbook("connections-failing"),),
        ),
        Series(
            "Sockets",
            (Query("sum by (instance) (todo_signaling_sockets)", "{{instance}}"),),
            Unit.COUNT,
            "WebSockets that are open at signaling: one a page.",
            stacked=True,
        ),
        Series(
            "Sockets refused",
            (Query(per_minute("todo_signaling_sockets_refused_total", "reason"), "{{reason}}"),),
            Unit.PER_MINUTE,
            "Before a word was said. Origin: a page of somebody else's, or ALLOWED_ORIGINS is not set for yours.",
        ),
    ),
)

_OPEN: Final = Row(
    "While connected",
    (
        Series(
            "Sessions by gateway",
            (Query("sum by (instance) (todo_rtc_sessions)", "{{instance}}"),),
            Unit.COUNT,
            "Pages that are connected, or being connected.",
            stacked=True,
        ),
        Series(
            "Room by gateway",
            (Query("sum by (instance) (todo_rtc_room)", "{{instance}}"),),
            Unit.COUNT,
            "0 is a gateway that is full or drains.",
            links=(runbook("no-capacity"),),
        ),
        Series(
            "Round trip",
            (
                Query(quantile(0.5, "todo_rtc_round_trip_duration_seconds"), "half"),
                Query(quantile(0.95, "todo_rtc_round_trip_duration_seconds"), "19 of 20"),
            ),
            Unit.SECONDS,
            "Of our pings, over the data channel.",
        ),
        Series(
            "Messages from pages",
            (Query(per_minute("todo_rtc_messages_received_total", "type"), "{{type}}"),),
            Unit.PER_MINUTE,
            "By type. A page pings every three seconds.",
            stacked=True,
        ),
        Series(
            "Messages refused",
            (Query(per_minute("todo_rtc_messages_refused_total", "code"), "{{code}}"),),
            Unit.PER_MINUTE,
            "By the code that the page was told. Rate is a page that sends too much; invalid, one that is not ours.",
        ),
        Series(
            "Told to sessions that came back",
            (Query(per_minute("todo_rtc_events_replayed_total"), "events"),),
            Unit.PER_MINUTE,
            "Outcomes and phases that they had missed, read from the streams.",
        ),
        Series(
            "Events of the bus that no page was told",
            (Query(per_minute("todo_rtc_events_ignored_total", "cause"), "{{cause}}"),),
            Unit.PER_MINUTE,
            "Behind: already told from the stream, which is right. Malformed, unknown: a service of another release.",
        ),
        Series(
            "Boards",
            (
                Query(per_minute("todo_rtc_board_asks_total", "result"), "asked for changes: {{result}}"),
                Query(per_minute("todo_rtc_boards_stale_total"), "told to read anew"),
            ),
            Unit.PER_MINUTE,
            "How often gateways asked for changes that no event brought. A look each 20 s for an owner is normal.",
            links=(runbook("journal-relay-late"),),
        ),
    ),
)

_END: Final = Row(
    "Ends",
    (
        Series(
            "Sessions ended",
            (Query(per_minute("todo_rtc_sessions_closed_total", "reason"), "{{reason}}"),),
            Unit.PER_MINUTE,
            "Remote: the page left. Superseded: it came back elsewhere. Silent: nothing was heard for eight seconds. "
            "Not_connected: no way through the network was found.",
            stacked=True,
            links=(runbook("connections-failing"),),
        ),
        Series(
            "Share without a way through",
            (
                Query(
                    share(
                        per_second("todo_rtc_sessions_closed_total", where='reason="not_connected"') + " or vector(0)",
                        per_second("todo_rtc_offers_total", where='result="answered"'),
                    ),
                    "not connected",
                ),
            ),
            Unit.SHARE,
            "Of the offers that gateways answered. Networks that let nothing out but TLS need turns: on port 443.",
            at_most=1,
            steps=Steps(warning=0.05, bad=0.2),
            links=(runbook("connections-failing"),),
        ),
    ),
)

_TURN: Final = Row(
    "coturn",
    (
        Series(
            "Allocations",
            (Query("sum by (type) (turn_total_allocations)", "{{type}}", Source.COTURN),),
            Unit.COUNT,
            "What is relayed now. A page has one for each TURN address that it was told.",
            links=(runbook("turn-relay-down"),),
        ),
        Series(
            "Traffic with pages",
            (
                Query("sum(rate(turn_total_traffic_rcvb[$__rate_interval]))", "received", Source.COTURN),
                Query("sum(rate(turn_total_traffic_sentb[$__rate_interval]))", "sent", Source.COTURN),
            ),
            Unit.BYTES_PER_SECOND,
            "Bytes a second, counted as allocations end.",
        ),
        Series(
            "STUN",
            (
                Query("sum(rate(stun_binding_request[$__rate_interval]))", "requests", Source.COTURN),
                Query("sum(rate(stun_binding_response[$__rate_interval]))", "responses", Source.COTURN),
                Query("sum(rate(stun_binding_error[$__rate_interval]))", "errors", Source.COTURN),
            ),
            Unit.PER_SECOND,
            "Requests without as many responses: coturn, or a firewall.",
        ),
        Series(
            "Refused names",
            (Query("sum(rate(turn_unauthenticated_401_requests[$__rate_interval]))", "401", Source.COTURN),),
            Unit.PER_SECOND,
            "One for each allocation is the protocol's own. Many more: the secrets of coturn and signaling differ.",
            links=(runbook("turn-relay-down"),),
        ),
    ),
)

DASHBOARD: Final = Dashboard(
    "todo-connections",
    "Connections",
    "Who comes in, by which way, how it feels, and why it ends.",
    (_NOW, _IN, _OPEN, _END, _TURN),
)
