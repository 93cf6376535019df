"""NATS made safe: connect, request and serve, publish and consume, tracing.

`bus.interface` is what handlers and services see; `bus.nats_bus` is the real one. What a message holds is none of its
business: that is `contracts`.
"""
