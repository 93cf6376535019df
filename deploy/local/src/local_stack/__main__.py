"""The command `todo-agent`. What takes time to import is imported by the command that needs it."""

import os
import signal
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.command_line import URL, parser
from local_stack.errors import StackError

if TYPE_CHECKING:
    from local_stack.directory import DataDirectory

EXIT_INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the command and exit with its status; whatever went wrong is said in words on stderr."""
    arguments = parser().parse_args()
    try:
        match arguments.command:
            case "up":
                status = _up(arguments)
            case "forget":
                status = _forget(arguments)
            case "token":
                status = _token(arguments)
            case "backup" | "restore":
                status = _back_up_or_restore(arguments)
            case "renew":
                from local_stack.renewing import renew  # noqa: PLC0415

                status = renew(arguments.data, tokens=arguments.tokens)
            case "mcp":
                status = _mcp(arguments)
            case _:
                status = _connected(arguments)
    except StackError as error:
        sys.stderr.write(f"todo-agent: {error}\n")
        sys.exit(error.status)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(status)


def _up(arguments: Namespace) -> int:
    from local_stack.signing_in import chosen  # noqa: PLC0415
    from local_stack.stack import Options  # noqa: PLC0415
    from local_stack.up import say, up  # noqa: PLC0415

    page = arguments.page or _built_page()
    if page is None or not (page / "index.html").is_file():
        say(f"no built page in {page}; 'ask' and 'lists' work without one" if page else "no built page was found")
    options = Options(
        port=arguments.port,
        model_url=arguments.model_url,
        standin=arguments.standin,
        page=page.absolute() if page else None,
        scale=arguments.scale,
        deaths=arguments.deaths,
        listen=arguments.listen,
        sign_in=chosen(auth=arguments.auth, environ=os.environ),
    )
    return up(options, arguments.data)


def _built_page() -> Path | None:
    """`web/dist` of the checkout that this module is part of."""
    here = Path(__file__).resolve()
    return next((root / "web" / "dist" for root in here.parents if (root / "web" / "package.json").is_file()), None)


def _forget(arguments: Namespace) -> int:
    from local_stack.forgetting import forget  # noqa: PLC0415

    return forget(arguments.issuer, arguments.owner, arguments.data)


def _back_up_or_restore(arguments: Namespace) -> int:
    from local_stack import backup  # noqa: PLC0415

    step = backup.back_up if arguments.command == "backup" else backup.restore
    return step(arguments.folder.absolute(), arguments.data)


def _token(arguments: Namespace) -> int:
    from local_stack.signing_in import print_token  # noqa: PLC0415

    return print_token(arguments.owner, arguments.lifetime, _data(arguments), arguments.url)


def _mcp(arguments: Namespace) -> int:
    from local_stack.mcp import mcp, print_config  # noqa: PLC0415

    if arguments.print_config is not None:
        return print_config(arguments)
    return mcp(arguments)


def _connected(arguments: Namespace) -> int:
    from local_stack.asking import ask, lists  # noqa: PLC0415
    from local_stack.directory import running_url  # noqa: PLC0415
    from local_stack.signing_in import own_token  # noqa: PLC0415

    directory = _data(arguments)
    url = arguments.url or running_url(directory.path) or URL
    token = own_token(arguments.token, url, directory, os.environ)
    if arguments.command == "ask":
        return ask(url, arguments.text, token=token, as_json=arguments.json)
    return lists(url, token=token, as_json=arguments.json)


def _data(arguments: Namespace) -> "DataDirectory":
    """Where a stack keeps its data, to be read from: nothing is made, and nobody's account is needed."""
    from local_stack.directory import DataDirectory, default_directory  # noqa: PLC0415

    return DataDirectory(arguments.data or default_directory(os.environ, root=os.geteuid() == 0), None)


if __name__ == "__main__":
    main()
