"""`python -m bench.rivals`: our connection beside pipecat's SmallWebRTC and bare aiortc. Takes four minutes."""

import asyncio
import signal

from bench.browser import chromium
from bench.environments import NotInstalledError
from bench.rivals.connecting import connecting, echoes
from bench.rivals.contenders import contenders
from bench.rivals.environment import PACKAGES
from bench.rivals.gone_pages import gone_pages
from bench.rivals.gone_servers import gone_servers, server_gone
from local_stack.temporary import running_stack, temporary_directory

_COMPARED = ("pipecat-ai", "aiortc", "aioice")


async def rivals() -> str:
    """All tables, on a stack with one gateway. Raises NotInstalledError."""
    pins = PACKAGES.versions()
    shown = ["", f"Compared: {', '.join(f'{name} {pins[name]}' for name in _COMPARED)}."]
    with temporary_directory() as directory:
        async with running_stack(directory, "--standin") as stack:
            async with contenders(stack) as those, chromium() as browser:
                shown.append(await connecting(browser, *those))
                shown.append(await echoes(browser, *those))
                shown.append(await gone_pages(*those))
            # Servers of their own each time, since none of them is as it was after that.
            async with contenders(stack) as those, chromium() as browser:
                stopped = await server_gone(browser, signal.SIGSTOP, *those)
            async with contenders(stack) as those, chromium() as browser:
                killed = await server_gone(browser, signal.SIGKILL, *those)
            shown.append(gone_servers(stopped, killed))
    return "\n".join(shown)


def main() -> None:
    """The command line. Ends with status 1 where the rivals cannot be installed."""
    try:
        print(asyncio.run(rivals()))
    except NotInstalledError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
