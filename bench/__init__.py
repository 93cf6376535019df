"""The figures of the README, and how to get them again: `make bench`, or `.venv/bin/python -m bench.run roundtrip`."""
