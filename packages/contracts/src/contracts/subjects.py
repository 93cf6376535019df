"""Every subject of the bus, as functions of validated tokens; the only way to build one.

RPC (`rpc.`), events (`evt.`, `job.`, `live.`, `dlq.`) and control (`ctl.`) are disjoint trees: a request on a subject
that a stream captures would be answered by the stream.
"""

import re
from typing import Final

from contracts.limits import PARTITIONS
from contracts.tokens import checked


def turn_started(session: str, turn: str) -> str:
    return f"evt.chat.{checked('session', session)}.{checked('turn', turn)}.start"


def turn_completed(session: str, turn: str) -> str:
    return f"evt.chat.{checked('session', session)}.{checked('turn', turn)}.completed"


def turn_phase(session: str, turn: str, phase: str) -> str:
    return f"evt.out.{checked('session', session)}.{checked('turn', turn)}.{checked('phase', phase)}"


def completed_of_session(session: str) -> str:
    """All of a session's outcomes in CHAT."""
    return f"evt.chat.{checked('session', session)}.*.completed"


def starts_of_session(session: str) -> str:
    """All of a session's starts, as CHAT holds them."""
    return f"job.chat.*.{checked('session', session)}.*"


def phases_of_session(session: str) -> str:
    """All of a session's phases in OUT."""
    return f"evt.out.{checked('session', session)}.*.*"


def turn_delta(session: str, turn: str) -> str:
    """In the live tree, since it is not stored."""
    return f"live.evt.prose.{checked('session', session)}.{checked('turn', turn)}.delta"


def jobs(partition: int) -> str:
    """The filter of one partition's consumer; `job.chat.<p>.<session>.<turn>` is what the stream makes of a start."""
    if not 0 <= partition < PARTITIONS:
        raise ValueError(f"partition must be 0 to {PARTITIONS - 1}, but is {partition}")
    return f"job.chat.{partition}.>"


def live_of_session(session: str) -> str:
    """Everything stored for a session, as it is stored, with its sequence in the header `Nats-Sequence`."""
    return f"live.evt.*.{checked('session', session)}.>"


LIVE_JOBS: Final = "live.job.chat.>"
"""A hint that a partition has work. Lossy; the periodic look is what finds everything."""


def partition_of_live_job(subject: str) -> int:
    """The partition in a subject under LIVE_JOBS."""
    return int(subject.split(".")[3])


def turn_of_job(subject: str) -> tuple[str, str]:
    """The session and the turn in the subject of a job."""
    _, _, _, session, turn = subject.split(".")
    return session, turn


def todo_changed(owner: str) -> str:
    return f"evt.todo.{checked('owner', owner)}.changed"


def cancel_turn(turn: str) -> str:
    return f"ctl.turn.{checked('turn', turn)}.cancel"


CANCEL_ANY_TURN: Final = "ctl.turn.*.cancel"


def agent_model(instance: str) -> str:
    return f"ctl.agent.{checked('instance', instance)}.model"


ANY_AGENT_MODEL: Final = "ctl.agent.*.model"


def session_entered(session: str) -> str:
    return f"ctl.session.{checked('session', session)}.entered"


ANY_SESSION_ENTERED: Final = "ctl.session.*.entered"


def session_record(session: str) -> str:
    """A key of the bucket `sessions`."""
    return f"$KV.sessions.{checked('session', session)}"


def dead_turn(session: str, turn: str) -> str:
    return f"dlq.chat.{checked('session', session)}.{checked('turn', turn)}"


TODO_SNAPSHOT: Final = "rpc.todo.v1.snapshot"
TODO_APPLY: Final = "rpc.todo.v1.apply"
TODO_TAKE_OVER: Final = "rpc.todo.v1.take_over"
TODO_CANCEL: Final = "rpc.todo.v1.cancel"
TODO_CHANGES: Final = "rpc.todo.v1.changes"
TODO_SEARCH: Final = "rpc.todo.v1.search"
TODO_REMEMBER: Final = "rpc.todo.v1.remember"
OPS_RUN: Final = "rpc.ops.v1.run"
RTC_OFFER: Final = "rpc.rtc.v1.offer"
AUTH_VERIFY: Final = "rpc.auth.v1.verify"


def rtc_candidate(instance: str) -> str:
    return f"rpc.rtc.i.{checked('instance', instance)}.candidate"


def rtc_close(instance: str) -> str:
    return f"rpc.rtc.i.{checked('instance', instance)}.close"


QUEUE_TODO: Final = "todo"
QUEUE_OPS: Final = "ops"
QUEUE_RTC: Final = "rtc"
QUEUE_AUTH: Final = "auth"


# By a subject's first token. A `%s` takes what its pattern has in brackets.
_TEMPLATES: Final = {
    "evt": (
        (re.compile(r"^evt\.chat\.[^.]+\.[^.]+\.(start|completed)$"), "evt.chat.{session}.{turn}.%s"),
        (re.compile(r"^evt\.out\."), "evt.out.{session}.{turn}.{phase}"),
        (re.compile(r"^evt\.todo\.[^.]+\.changed$"), "evt.todo.{owner}.changed"),
    ),
    "live": (
        (re.compile(r"^live\.evt\.(chat|out|prose)\."), "live.evt.%s.{session}.{turn}"),
        (re.compile(r"^live\.evt\.\*\."), "live.evt.*.{session}.>"),
        (re.compile(r"^live\.job\.chat\."), "job.chat.{partition}.{session}.{turn}"),
    ),
    "job": ((re.compile(r"^job\.chat\."), "job.chat.{partition}.{session}.{turn}"),),
    "ctl": (
        (re.compile(r"^ctl\.turn\.[^.]+\.cancel$"), "ctl.turn.{turn}.cancel"),
        (re.compile(r"^ctl\.agent\.[^.]+\.model$"), "ctl.agent.{instance}.model"),
        (re.compile(r"^ctl\.session\.[^.]+\.entered$"), "ctl.session.{session}.entered"),
    ),
    "$KV": ((re.compile(r"^\$KV\.sessions\."), "$KV.sessions.{session}"),),
    "dlq": ((re.compile(r"^dlq\.chat\."), "dlq.chat.{session}.{turn}"),),
    "rpc": (
        (re.compile(r"^(rpc\.(?:todo|ops|rtc|auth)\.v1\.[a-z_]+)$"), "%s"),
        (re.compile(r"^rpc\.rtc\.i\.[^.]+\.(candidate|close)$"), "rpc.rtc.i.{instance}.%s"),
    ),
}


def template(subject: str) -> str:
    """A subject with its identifiers blanked, for span names and metric labels, where they would be unbounded."""
    for pattern, replacement in _TEMPLATES.get(subject.partition(".")[0], ()):
        match = pattern.match(subject)
        if match is not None:
            return replacement % match.groups()
    return "other"
