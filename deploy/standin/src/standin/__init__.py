"""A stand-in for LM Studio: its exact wire, and instead of a language model a planner by fixed rules.

For trying the system without a model, and for tests, which can script its answers fault by fault. It is foreign
software to the rest of the house: it reads only the wire, imports nothing of ours, and nothing of ours imports it.
"""
