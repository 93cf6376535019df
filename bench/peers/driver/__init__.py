"""The peers' side: runs in their own environment, knows nothing of this project's packages, speaks JSON lines.

In: `{"do": "turn", "guard": ..., "store": ..., ...}` and `{"do": "write", ...}`, also in the middle of a turn.
Out: one line for each, `{"did": "turn", "text": ..., "error": ..., "ms": ..., "lists": ...}` or `{"did": "write"}`.
"""
