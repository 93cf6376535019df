"""A network of Linux namespaces with a NAT, a real coturn, our whole stack, and clients inside of it.

`tests/network` asks whether a connection is made in it, and `bench.network` how fast. It needs root, Linux, and what
`missing.why_not` names. `laboratory.running_lab` puts everything together.
"""
