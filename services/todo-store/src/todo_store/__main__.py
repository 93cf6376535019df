"""`python -m todo_store` serves; `python -m todo_store migrate` brings the schema up to date and exits."""

import sys

from runtime.process import run
from todo_store.bootstrap import SERVICE, migrate, start
from todo_store.settings import Settings

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            run(SERVICE, Settings, start)
        case ["migrate"]:
            migrate()
        case _:
            sys.exit("usage: python -m todo_store [migrate]")
