"""`python -m signaling` serves; `python -m signaling token --owner NAME` makes an access token."""

import sys

from runtime.process import run
from signaling.bootstrap import SERVICE, start
from signaling.settings import Settings


def main() -> None:
    if sys.argv[1:2] == ["token"]:
        from signaling.minting import print_token  # noqa: PLC0415 - argparse and what tokens need

        sys.exit(print_token(sys.argv[2:], Settings))
    run(SERVICE, Settings, start)


if __name__ == "__main__":
    main()
