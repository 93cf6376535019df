"""The gateway between pages and the bus: one WebRTC data channel a session, turned into bus requests and back.

It owns no data. What a session may see follows from the owner that signaling verified.
"""
