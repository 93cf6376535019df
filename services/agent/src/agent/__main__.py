"""`python -m agent`: turns and operations."""

from agent.bootstrap import start
from agent.settings import Settings
from runtime.process import run

if __name__ == "__main__":
    run("agent", Settings, start)
