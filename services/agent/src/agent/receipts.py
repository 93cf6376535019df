"""Receipts that fit: `completed` travels over the bus, which carries a megabyte; a plan may hold hundreds of rows."""

from typing import Final

from contracts.limits import BUS_PAYLOAD_MAX_BYTES
from contracts.todo import Diff
from contracts.turns import Receipt

RECEIPT_MAX_BYTES: Final = BUS_PAYLOAD_MAX_BYTES // 2
"""Leaves room for the text, the candidates, and what republishing adds."""
TEXT_MAX_CHARS: Final = 16_000
KEPT: Final = 25


def fitted(receipt: Receipt) -> Receipt:
    """The receipt, or where it is too large one with the first KEPT rows of what was seen, marked as truncated.

    The verdict was reached over the whole; what is cut is the telling.
    """
    if len(receipt.to_json()) <= RECEIPT_MAX_BYTES:
        return receipt
    return receipt.model_copy(
        update={
            "truncated": True,
            "operations": (),
            "understood": receipt.understood[:KEPT],
            "expected": Diff(),
            "observed": Diff(changes=receipt.observed.changes[:KEPT]),
            "others": Diff(changes=receipt.others.changes[:KEPT]),
        }
    )


def fitted_text(text: str) -> str:
    """The text, or its beginning and a word about the rest."""
    return text if len(text) <= TEXT_MAX_CHARS else f"{text[:TEXT_MAX_CHARS]}… (too long to show whole)"
