"""`python -m todo_store` serves; `migrate` brings the schema up to date and exits; `forget OWNER_KEY` erases.

The owner's key is what `contracts.tokens.owner_key` makes of who issued the name, and the name.
"""

import sys

from runtime.process import run
from todo_store.bootstrap import SERVICE, forget, migrate, start
from todo_store.settings import Settings

if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            run(SERVICE, Settings, start)
        case ["migrate"]:
            migrate()
        case ["forget", owner]:
            forget(owner)
        case _:
            sys.exit("usage: python -m todo_store [migrate | forget OWNER_KEY]")
