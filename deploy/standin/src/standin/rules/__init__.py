"""The planner: plain English in, the steps of one `plan` out, by fixed rules. Pure: no I/O, no clock, no chance.

What it understands stands in `standin.rules.planner`, and as a table in the README.
"""
