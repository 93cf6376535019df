"""Our connection beside pipecat's SmallWebRTC and bare aiortc: connecting, a word there and back, and death."""
