"""`python -m bench.faults`: the fault matrix."""

from bench.faults.command_line import main

main()
