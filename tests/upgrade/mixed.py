"""`todo-agent up` of this release, with some services of the release before: a launcher of `running_stack`.

Which ones: the names in the file RELEASE_BEFORE_RUNS (`agent`, or one process, `agent-1`), read at each start of a
process; so a process that is told to stop comes back as whatever the file says by then.
"""

import os
import sys
from dataclasses import replace
from functools import wraps
from pathlib import Path

from local_stack import services
from local_stack.__main__ import main
from local_stack.child import Command

PATH, RUNS = "RELEASE_BEFORE_PATH", "RELEASE_BEFORE_RUNS"
RELEASED_AS_THE_COMMAND = 3  # the interpreter, -m, local_stack


def run() -> None:
    path, runs = os.environ.pop(PATH), Path(os.environ.pop(RUNS))
    command = services._command

    @wraps(command)
    def of_its_release(service: str, name: str, *rest: object) -> Command:
        made = command(service, name, *rest)  # type: ignore[arg-type] # passed on as they came
        old = {service, name} & set(runs.read_text().split())
        return replace(made, env={**made.env, "PYTHONPATH": path}) if old else made

    services._command = of_its_release
    sys.argv = ["todo-agent", *sys.argv[1 + RELEASED_AS_THE_COMMAND :]]
    main()


if __name__ == "__main__":
    run()
