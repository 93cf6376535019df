"""The whole stack under a killer, and a checker that reads what was promised, said and stored.

`python -m tests.chaos.run` prints a table; `tests/test_chaos.py` runs it short and long.
"""
