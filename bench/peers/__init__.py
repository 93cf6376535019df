"""What people would use instead, beside this agent: the same scripted model, the same requests, the same faults.

`python -m bench.peers` runs the whole; `--readme` puts the table into the README. The peers live in an environment of
their own (`requirements.txt`, installed into `.tools/peers`) and run as processes that speak JSON lines, so that none
of their packages reaches this project's lock.
"""
