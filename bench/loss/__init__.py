"""What lost packets cost a message, by SCTP's timers: `python -m bench.loss`."""
