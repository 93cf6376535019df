"""The headers of our messages."""

from typing import Final

DEADLINE: Final = "X-Deadline"  # epoch milliseconds after which nobody waits for the answer any more
LAST: Final = "Todo-Last"  # on the last message of a series
ERROR_CODE: Final = "Nats-Service-Error-Code"  # ADR-32
SEQUENCE: Final = "Nats-Sequence"  # set by a stream on what it republishes
SUBJECT: Final = "Nats-Subject"  # set by a stream on what is read from it, as the next
EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"  # a stream takes a message only behind this one
TIME_STAMP: Final = "Nats-Time-Stamp"
NUM_PENDING: Final = "Nats-Num-Pending"  # what a stream holds behind a message of a batch
STATUS: Final = "Status"  # set by the server on its own replies
