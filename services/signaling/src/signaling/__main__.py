"""`python -m signaling`: run the service."""

from runtime.process import run
from signaling.bootstrap import SERVICE, start
from signaling.settings import Settings


def main() -> None:
    run(SERVICE, Settings, start)


if __name__ == "__main__":
    main()
