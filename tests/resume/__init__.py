"""Gateways are killed and everything is restarted under sessions, and what these were told is held against the streams.

`python -m tests.resume.run` prints a table; `tests/test_resume.py` runs it short and long.
"""
