"""Every word on the wire, as data: no I/O, no clock, no service's logic.

Import the submodule that holds what you need; nothing is re-exported here.
"""
