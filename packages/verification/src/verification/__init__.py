"""Verify-Execute-Verify, pure: the model of a to-do store, expected and observed diffs, and the verdict on them.

No I/O and no async. The agent reads, writes and reads again; what the reads mean is decided here.
"""
